package grammar

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"strings"
)

// Line is one command of a batch file.
type Line struct {
	Number int // of its first physical line, counted from 1
	Last   int // of its last one, which ip and tc name in "Command failed"
	Words  []string
}

var (
	// ErrQuote means that a word begins with a quote that the line does not close.
	ErrQuote = errors.New("unterminated quoted string")
	// ErrContinuation means that the file ends where a line should go on.
	ErrContinuation = errors.New("missing continuation line")
	// ErrLong means that a line has more than 64 KiB: it ends the reading.
	ErrLong = errors.New("line of more than 64 KiB")
)

// maxLine bounds a physical line, in bytes: what is fed is no batch beyond it.
const maxLine = 64 << 10

// Lines reads the commands of a batch file as ip and tc do (getcmdline and
// makeargs in iproute2's lib/utils.c):
//
//   - a # begins a comment wherever it stands, in a word or in quotes too;
//   - a backslash right before the line's end joins the next line to it, and
//     no blank comes between; everywhere else a backslash is itself;
//   - words are parted by blanks, tabs and carriage returns;
//   - a word that begins with ' or " goes on to the same quote, which ends
//     it; a quote within a word is itself.
//
// Lines without words are left out. A faulty line is [ErrQuote] or
// [ErrContinuation], with a Line that has its number; the next line can still
// be read. An error of r ends the sequence.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		l := lexer{r: bufio.NewReaderSize(r, maxLine)}
		for {
			text, err := l.logical()
			if errors.Is(err, io.EOF) {
				return
			}
			line := Line{Number: l.first, Last: l.number}
			if err == nil {
				line.Words, err = splitWords(text)
			}
			if (err != nil || line.Words != nil) && !yield(line, err) {
				return
			}
			if err != nil && l.failed {
				return
			}
		}
	}
}

// lexer joins physical lines.
type lexer struct {
	r      *bufio.Reader
	first  int // where the logical line began
	number int
	failed bool
}

// physical reads one line with its newline, up to a comment.
func (l *lexer) physical() (string, error) {
	line, err := l.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		l.failed = true
		if errors.Is(err, bufio.ErrBufferFull) {
			l.number++
			err = ErrLong
		}
		return "", err
	}
	text := string(line)
	if text == "" {
		return "", io.EOF
	}
	l.number++
	text, _, _ = strings.Cut(text, "#")
	return text, nil
}

func (l *lexer) logical() (string, error) {
	text, err := l.physical()
	l.first = l.number
	if err != nil {
		return "", err
	}
	for {
		start, ok := strings.CutSuffix(text, "\\\n")
		if !ok {
			return text, nil
		}
		more, err := l.physical()
		if errors.Is(err, io.EOF) {
			return "", ErrContinuation
		}
		if err != nil {
			return "", err
		}
		text = start + more
	}
}

const blanks = " \t\r\n"

func splitWords(text string) ([]string, error) {
	var words []string
	for {
		text = strings.TrimLeft(text, blanks)
		if text == "" {
			return words, nil
		}
		if text[0] == '\'' || text[0] == '"' {
			word, rest, ok := strings.Cut(text[1:], text[:1])
			if !ok {
				return nil, ErrQuote
			}
			words, text = append(words, word), rest
			continue
		}
		end := strings.IndexAny(text, blanks)
		if end < 0 {
			end = len(text)
		}
		words, text = append(words, text[:end]), text[end:]
	}
}
