package render

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type embedded struct{ Device string }

type pins struct {
	embedded
	Path   string            `json:"path"`
	Paths  []string          `json:"paths"`
	One    *device           `json:"one"`
	Any    any               `json:"any"`
	ByName map[string]device `json:"by_name"`
	Three  [1]string         `json:"three"`
	Raw    json.RawMessage   `json:"raw"`
	Bytes  []byte            `json:"bytes"`
	Nil    *device           `json:"nil"`
}

// TestNotUTF8: what is no UTF-8 stands in JSON as in text, and nothing else changes.
func TestNotUTF8(t *testing.T) {
	v := &pins{
		embedded: embedded{"v\xff"}, Path: "/a\xfe\x1b", Paths: []string{"b", "c\xc3("}, One: &device{Name: "\x80"}, Any: device{Name: "\xff�"},
		ByName: map[string]device{"k\xff": {Name: "\u202e"}}, Three: [1]string{"\xf0\x9f"}, Raw: json.RawMessage(`"\ufffd"`), Bytes: []byte("\xff"),
	}
	want := `{"Device":"v\\xff","path":"/a\\xfe\\x1b","paths":["b","c\\xc3("],"one":{"ifname":"\\x80"},"any":{"ifname":"\\xff` + "\ufffd" + `"},` +
		`"by_name":{"k\\xff":{"ifname":"` + "\u202e" + `"}},"three":["\\xf0\\x9f"],"raw":"\ufffd","bytes":"/w==","nil":null}` + "\n"
	var w writes
	if err := Write(&w, v, Options{JSON: true}); err != nil || w.n != 1 {
		t.Fatalf("%v, in %d calls", err, w.n)
	}
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if v.Path != "/a\xfe\x1b" || v.One.Name != "\x80" || v.Paths[1] != "c\xc3(" {
		t.Error("the value itself was changed")
	}
	var plain bytes.Buffer
	if err := Write(&plain, json.RawMessage(`"\ufffd"`), Options{JSON: true}); err != nil || plain.String() != "\"\\ufffd\"\n" {
		t.Errorf("%v: %s", err, plain.String())
	}
}

// TestNamed: every name is found by what is shown of it.
func TestNamed(t *testing.T) {
	for _, name := range []string{
		"", "eth0", "v\xff", "\xff\xfe", "a\x1bb", "a\u202eb", "a\nb", "é", "é\xe9", "\U000e0001", "a\x7f", "\xed\xa0\x80", "a\tb", `a\b`, `\`, `a\`, `a\x`, "a\\\xff",
	} {
		if got := Named(Line(name)); got != name {
			t.Errorf("%q is shown as %s, which names %q", name, Line(name), got)
		}
	}
	for _, word := range []string{`\x41`, `\xFF`, `\xf`, `\u00e9`, `\U00110000`, `\ud800`, `\x1b\x41`, `\x5cn`} {
		if got := Named(word); got != word {
			t.Errorf("%s, as nothing is shown, names %q", word, got)
		}
	}
}

func FuzzNamed(f *testing.F) {
	for _, s := range []string{"v\xff", `a\n\x1b`, "\u202e\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if shown := Line(s); Line(Named(shown)) != shown {
			t.Errorf("%q is shown as %s, and what that names as %s", s, shown, Line(Named(shown)))
		}
	})
}
