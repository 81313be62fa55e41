package render

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type device struct {
	Name string `json:"ifname"`
	ID   uint32 `json:"id,omitempty"`
}

func (d device) WriteText(t *Text, o Options) {
	t.WriteString(d.Name)
	t.If(!o.Brief, ": id %d", d.ID)
	t.WriteByte('\n')
}

// writes counts calls of Write.
type writes struct {
	bytes.Buffer
	n int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.Buffer.Write(p)
}

func TestWrite(t *testing.T) {
	dev := device{"<a&b>", 7}
	tests := []struct {
		name string
		v    any
		o    Options
		want string
	}{
		{"nothing", nil, Options{JSON: true}, ""},
		{"text", dev, Options{}, "<a&b>: id 7\n"},
		{"brief", dev, Options{Brief: true}, "<a&b>\n"},
		{"json", dev, Options{JSON: true}, `{"ifname":"<a&b>","id":7}` + "\n"},
		{"pretty", dev, Options{JSON: true, Pretty: true}, "{\n    \"ifname\": \"<a&b>\",\n    \"id\": 7\n}\n"},
		{"list", List[device]{dev, {"b", 0}}, Options{}, "<a&b>: id 7\nb: id 0\n"},
		{"list as json", List[device]{dev, {"b", 0}}, Options{JSON: true}, `[{"ifname":"<a&b>","id":7},{"ifname":"b"}]` + "\n"},
		{"no list", List[device](nil), Options{JSON: true}, "[]\n"},
		{"no list as text", List[device](nil), Options{}, ""},
		{"no list on a terminal", List[device](nil), Options{Terminal: true, Brief: true}, "nothing found\n"},
		{"no list as JSON on a terminal", List[device](nil), Options{Terminal: true, JSON: true}, "[]\n"},
		{"nothing on a terminal", nil, Options{Terminal: true}, ""},
		{"json needs no text", map[string]int{"a": 1}, Options{JSON: true}, `{"a":1}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w writes
			if err := Write(&w, tt.v, tt.o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, w.String()); diff != "" {
				t.Error(diff)
			}
			if w.n > 1 {
				t.Errorf("written in %d pieces", w.n)
			}
		})
	}
}

type faulty struct{}

var errFaulty = errors.New("faulty")

func (faulty) WriteText(t *Text, _ Options) { t.WriteString("half a line") }

func (faulty) MarshalJSON() ([]byte, error) { return nil, errFaulty }

func TestWriteErrors(t *testing.T) {
	for _, v := range []any{faulty{}, List[faulty]{{}}} {
		var w writes
		if err := Write(&w, v, Options{JSON: true}); !errors.Is(err, errFaulty) || w.n != 0 {
			t.Errorf("got %v and %q", err, w.String())
		}
	}
	full := errors.New("full")
	if err := Write(failing{full}, faulty{}, Options{}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := Write(io.Discard, 1, Options{}); err == nil || err.Error() != "int has no text form" {
		t.Errorf("got %v", err)
	}
}

func TestStream(t *testing.T) {
	values := func(last error) iter.Seq2[device, error] {
		return func(yield func(device, error) bool) {
			_ = yield(device{"a", 1}, nil) && yield(device{"b", 2}, nil) && last != nil && yield(device{}, last)
		}
	}
	var w writes
	if err := Stream(&w, values(nil), Options{JSON: true}); err != nil {
		t.Fatal(err)
	}
	want := `{"ifname":"a","id":1}` + "\n" + `{"ifname":"b","id":2}` + "\n"
	if diff := cmp.Diff(want, w.String()); diff != "" || w.n != 2 {
		t.Errorf("in %d pieces: %s", w.n, diff)
	}
	var pretty, lines writes
	if err := Stream(&pretty, values(nil), Options{JSON: true, Pretty: true}); err != nil {
		t.Fatal(err)
	}
	if n, err := io.WriteString(Lines(&lines, Options{JSON: true, Pretty: true}), want); err != nil || n != len(want) {
		t.Fatal(n, err)
	}
	if diff := cmp.Diff(pretty.String(), lines.String()); diff != "" || !strings.HasPrefix(lines.String(), "{\n    \"") {
		t.Errorf("lines are indented in another way than values: %s", diff)
	}
	if err := Stream(&w, values(errFaulty), Options{}); !errors.Is(err, errFaulty) {
		t.Errorf("got %v", err)
	}
	full := errors.New("full")
	if err := Stream(failing{full}, values(nil), Options{}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestTable(t *testing.T) {
	table := Table{Right: []int{1}}
	table.Row("name", "id", "tag")
	table.Row("größe", "7", "a\tb\nc")
	table.Row("x", "1234")
	table.Row()
	want := strings.Join([]string{
		"name     id  tag",
		"größe     7  a b c",
		"x      1234",
		"", "",
	}, "\n")
	var w writes
	if err := Write(&w, &table, Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Error(diff)
	}
}

func TestUnits(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 30: "1.0 GiB", 1<<64 - 1: "16.0 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1234567: "1.23ms", 12345678: "12.3ms", -1234567: "-1.23ms",
		1234567890: "1.23s", 90 * time.Second: "1m30s", 100*time.Hour + 61700*time.Millisecond: "100h1m2s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}
