package render

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Text is what a value shows to people. It is kept in memory, so that nothing that
// is written to it can fail.
type Text struct {
	bytes.Buffer
	asIs bool
}

// AsIs keeps the lines of the text whole on a terminal: they are to be pasted, or to be read
// again by a program.
func (t *Text) AsIs() { t.asIs = true }

// Printf writes as [fmt.Printf] does, with each string and error on one line, as by
// [Line]: a name with a newline forges no line.
func (t *Text) Printf(format string, args ...any) {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			if strings.IndexByte(v, '\n') >= 0 {
				args[i] = lines(v)
			}
		case error:
			args[i] = lines(v.Error())
		}
	}
	fmt.Fprintf(&t.Buffer, format, args...)
}

// lines is a string that may be of several lines, and is written as one.
type lines string

// Format leaves %q, which quotes newlines itself, as it is. Other characters are made
// [Printable] with all of a text.
func (l lines) Format(f fmt.State, verb rune) {
	if verb != 'q' {
		l = lines(strings.ReplaceAll(string(l), "\n", `\n`))
	}
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), string(l)) // to a text in memory
}

// If is Printf when the condition holds.
func (t *Text) If(holds bool, format string, args ...any) {
	if holds {
		t.Printf(format, args...)
	}
}

// words is how a field of a struct is written.
type words struct {
	index  int
	format string
	bare   bool // the format has no verb
	always bool // for the zero value too
	inner  bool // an embedded struct, which has words of its own
	each   bool // a slice, of which the format takes the elements
	told   bool // the value, or each element, is a [fmt.Stringer]
}

// Fields writes a struct, or what a pointer to one points to, by the tags of its
// exported fields, in their order. A tag is a format for the value, such as
// `text:" mtu %d"`; one without a verb is written as it is.
//
//   - A zero value is left out, unless the tag's key is always in the place of text.
//   - Nil is a zero value. Another pointer stands for what it points to.
//   - Of a slice each element is written, unless it is a [fmt.Stringer].
//   - A string is kept on one line, as by [Line].
//   - An embedded struct has its fields written where it stands.
//   - What a blank field has as its tag is written in any case.
func (t *Text) Fields(of any) {
	t.fields(reflect.Indirect(reflect.ValueOf(of)))
}

func (t *Text) fields(v reflect.Value) {
	for _, w := range wordsOf(v.Type()) {
		f := v.Field(w.index)
		switch {
		case w.inner:
			if f = reflect.Indirect(f); f.IsValid() {
				t.fields(f)
			}
		case w.bare && (w.always || !zero(f)):
			t.WriteString(w.format)
		case w.bare, f.IsZero() && !w.always:
		case w.each:
			for i := range f.Len() {
				t.Printf(w.format, w.value(f.Index(i)))
			}
		default:
			t.Printf(w.format, w.value(f))
		}
	}
}

// zero looks behind a pointer.
func zero(v reflect.Value) bool { return v.IsZero() || reflect.Indirect(v).IsZero() }

// value is a field, or an element of it, as the format takes it.
func (w *words) value(v reflect.Value) any {
	if !w.told {
		v = reflect.Indirect(v)
	}
	if s, ok := reflect.TypeAssert[string](v); ok {
		return Line(s)
	}
	return v.Interface()
}

// A batch writes the same few types thousands of times.
var (
	wordsOfType sync.Map // reflect.Type to []words
	stringer    = reflect.TypeFor[fmt.Stringer]()
)

// wordsOf reads the tags of a type, once.
func wordsOf(of reflect.Type) []words {
	if all, ok := wordsOfType.Load(of); ok {
		return all.([]words)
	}
	var all []words
	for i := range of.NumField() {
		f := of.Field(i)
		w := words{index: i, told: f.Type.Implements(stringer)}
		if f.Type.Kind() == reflect.Slice && !w.told {
			w.each, w.told = true, f.Type.Elem().Implements(stringer)
		}
		var tagged bool
		if w.format, tagged = f.Tag.Lookup("text"); !tagged {
			w.format, w.always = f.Tag.Lookup("always")
		}
		w.bare = !strings.Contains(w.format, "%")
		if w.inner = f.Anonymous && w.format == ""; w.inner || w.format != "" {
			all = append(all, w)
		}
	}
	wordsOfType.Store(of, all)
	return all
}

// Fields is the text of a struct alone, without blanks at its ends.
func Fields(of any) string {
	var t Text
	t.Fields(of)
	return strings.TrimSpace(t.String())
}
