// Package render writes one value as text or as JSON.
//
// A command returns a value that marshals to JSON and implements [Texter];
// both forms come from that one value, so they cannot disagree. What -details
// and -statistics add, a command leaves out of the value unless asked; what
// -brief changes is the layout of the text, and the value's own business.
package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
)

// Options choose the form of the output. The zero value is text.
type Options struct {
	JSON       bool // JSON instead of text
	Pretty     bool // JSON with line breaks, indented by four blanks as ip -p does
	Brief      bool // text: one line for each thing
	Details    bool // more of each thing
	Statistics bool // counters of each thing
	Terminal   bool // text: somebody reads it as it is written
	Width      int  // text: the columns of the terminal, 0 for lines of any length
}

// Texter is a value that can show itself to people. WriteText writes whole
// lines, and heeds Brief, Details and Statistics.
type Texter interface {
	WriteText(t *Text, o Options)
}

// A Sizer is a [Texter] whose text may be long: TextSize is about how many bytes
// it has, which spares copying them as they become more.
type Sizer interface{ TextSize() int }

// Write writes v in one call of w.Write, so that concurrent writers do not mix
// and nothing is written if v cannot be rendered. Nil writes nothing; an empty text
// neither, but to a terminal that nothing was found. As text, a v that is no [Texter] is an error, and control characters
// are escaped, see [Printable]. Lines that are wider than Width are broken between words,
// unless there is to be one for each thing, or the text is to stay [Text.AsIs].
func Write(w io.Writer, v any, o Options) error {
	switch {
	case v == nil:
		return nil
	case o.JSON:
		return encode(w, v, o.Pretty) // in one call by itself
	}
	t, ok := v.(Texter)
	if !ok {
		return fmt.Errorf("%T has no text form", v)
	}
	var b Text
	if long, ok := v.(Sizer); ok {
		b.Grow(long.TextSize())
	}
	switch t.WriteText(&b, o); {
	case b.Len() == 0 && !o.Terminal:
		return nil
	case b.Len() == 0:
		b.WriteString("nothing found\n")
	}
	text := b.Bytes()
	if !plain(text) {
		text = []byte(Printable(b.String()))
	}
	if o.Width > 0 && !o.Brief && !b.asIs {
		text = wrap(text, o.Width)
	}
	_, err := w.Write(text)
	return err
}

// Stream writes each value as it comes: text, or JSON one line each unless it is to
// be pretty. It ends with the first error of the sequence or of writing.
func Stream[T any](w io.Writer, values iter.Seq2[T, error], o Options) error {
	for v, err := range values {
		if err != nil {
			return err
		}
		if err := Write(w, v, o); err != nil {
			return err
		}
	}
	return nil
}

// Lines is w for lines of JSON, of which each call writes whole ones: they are written
// as they are, or pretty.
func Lines(w io.Writer, o Options) io.Writer {
	if !o.JSON || !o.Pretty {
		return w
	}
	return indenter{w}
}

type indenter struct{ w io.Writer }

func (x indenter) Write(lines []byte) (int, error) {
	var b bytes.Buffer
	for line := range bytes.Lines(lines) {
		if err := json.Indent(&b, line, "", indent); err != nil {
			return 0, err
		}
	}
	if _, err := x.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(lines), nil
}

const indent = "    "

// encode writes v in one call of w.Write. A string that is no UTF-8, for which JSON has
// no form, is written as [Line] shows it.
func encode(w io.Writer, v any, pretty bool) error {
	if l, ok := v.(interface{ none() bool }); ok && l.none() {
		v = []int{}
	}
	err := encodeTo(lossless{w}, v, pretty)
	if errors.Is(err, errLoss) {
		err = encodeTo(w, utf8Only(reflect.ValueOf(v)).Interface(), pretty)
	}
	return err
}

func encodeTo(w io.Writer, v any, pretty bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if pretty {
		enc.SetIndent("", indent)
	}
	return enc.Encode(v)
}

// lossless refuses JSON in which encoding/json has replaced what is no UTF-8.
type lossless struct{ io.Writer }

var errLoss = errors.New("not UTF-8")

func (w lossless) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte(`\ufffd`)) {
		return 0, errLoss
	}
	return w.Writer.Write(text)
}

// List is a list of values: as what is written, a JSON array, never null, and the
// text of one after the other.
type List[T Texter] []T

// WriteText writes the text of each value.
func (l List[T]) WriteText(t *Text, o Options) {
	for _, v := range l {
		v.WriteText(t, o)
	}
}

// TextSize is generous.
func (l List[T]) TextSize() int { return 256 * len(l) }

func (l List[T]) none() bool { return l == nil }
