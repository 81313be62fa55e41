package btfjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

var errEnd = errors.New("the text ends in the middle of a value")

func unexpected(text []byte, expected string) error {
	const enough = 20
	return fmt.Errorf("%q where %s is expected", text[:min(len(text), enough)], expected)
}

// Quote quotes a word of the input in a message.
func Quote[T string | []byte](word T) string { return strconv.Quote(clip(string(word))) }

// clip keeps messages short.
func clip(word string) string {
	const most = 80
	if len(word) <= most {
		return word
	}
	return word[:most] + "…"
}

func space(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		text = text[1:]
	}
	return text
}

// number says whether a number begins so.
func number(b byte) bool { return b-'0' <= 9 || b == '-' }

// ends says whether a number ends before b.
func ends(b byte) bool {
	switch b {
	case ',', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// token reads a scalar: the text of a string, or the characters of anything
// else.
func token(text []byte) (word string, rest []byte, err error) {
	if len(text) == 0 {
		return "", nil, errEnd
	}
	if text[0] == '"' {
		b, rest, err := quoted(text)
		return string(b), rest, err
	}
	end := bytes.IndexAny(text, ",:{}[]\" \t\r\n")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", nil, unexpected(text, "a value")
	}
	return string(text[:end]), text[end:], nil
}

// quoted reads a string. Only one with a backslash is copied.
func quoted(text []byte) (word, rest []byte, err error) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return text[1:i], text[i+1:], nil
		case '\\':
			return escaped(text)
		}
	}
	return nil, nil, errEnd
}

func escaped(text []byte) (word, rest []byte, err error) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			var s string
			if err := json.Unmarshal(text[:i+1], &s); err != nil {
				return nil, nil, err
			}
			return []byte(s), text[i+1:], nil
		}
	}
	return nil, nil, errEnd
}

// member reads the name of an object's next member and the colon after it, or
// the end of the object. A comma before it is taken too.
func member(text []byte) (name, rest []byte, done bool, err error) {
	text = space(text)
	if len(text) > 0 && text[0] == '}' {
		return nil, text[1:], true, nil
	}
	if len(text) > 0 && text[0] == ',' {
		text = space(text[1:])
	}
	switch {
	case len(text) == 0:
		return nil, nil, false, errEnd
	case text[0] != '"':
		return nil, nil, false, unexpected(text, "the name of a member")
	}
	if name, rest, err = quoted(text); err != nil {
		return nil, nil, false, err
	}
	rest = space(rest)
	if len(rest) == 0 || rest[0] != ':' {
		return nil, nil, false, unexpected(rest, "a colon")
	}
	return name, rest[1:], false, nil
}

// Object walks the members of the JSON object at the start of text: each gets
// the name of a member and the text after its colon, and returns the text
// after its value. Object returns the text after the object.
func Object(text []byte, each func(name, text []byte) (rest []byte, err error)) ([]byte, error) {
	text = space(text)
	if len(text) == 0 || text[0] != '{' {
		return nil, unexpected(text, "an object")
	}
	for text = text[1:]; ; {
		name, rest, done, err := member(text)
		if done || err != nil {
			return rest, err
		}
		if text, err = each(name, rest); err != nil {
			return nil, err
		}
	}
}

// Array walks the elements of the JSON array at the start of text, as [Object] does.
func Array(text []byte, each func(text []byte) (rest []byte, err error)) ([]byte, error) {
	text = space(text)
	if len(text) == 0 || text[0] != '[' {
		return nil, unexpected(text, "an array")
	}
	text = space(text[1:])
	for first := true; ; first = false {
		switch {
		case len(text) == 0:
			return nil, errEnd
		case text[0] == ']':
			return text[1:], nil
		case !first && text[0] != ',':
			return nil, unexpected(text, "a comma or ]")
		case !first:
			text = text[1:]
		}
		rest, err := each(text)
		if err != nil {
			return nil, err
		}
		text = space(rest)
	}
}

// Skip returns the text after the JSON value at its start.
func Skip(text []byte) ([]byte, error) { return skip(text, maxDepth) }

func skip(text []byte, depth int) ([]byte, error) {
	text = space(text)
	if len(text) == 0 {
		return nil, errEnd
	}
	inner := func(text []byte) ([]byte, error) {
		if depth == 0 {
			return nil, fmt.Errorf("values lie more than %d deep", maxDepth)
		}
		return skip(text, depth-1)
	}
	switch text[0] {
	case '{':
		return Object(text, func(_, text []byte) ([]byte, error) { return inner(text) })
	case '[':
		return Array(text, inner)
	}
	_, rest, err := token(text)
	return rest, err
}

// Blank says whether there is nothing but white space in text.
func Blank(text []byte) bool { return len(space(text)) == 0 }
