package subject

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// ELFFile is an object file that a command looks into, and what of it.
type ELFFile struct {
	File    string
	Section string
	Program string
}

// FileGrammar is the name of the file.
func (r *ELFFile) FileGrammar() *grammar.Node {
	return grammar.Value("FILE", grammar.String(&r.File)).Completes(grammar.File).
		Help("an object file, or - for standard input")
}

// ProgramGrammar is the word program and a name.
func (r *ELFFile) ProgramGrammar() *grammar.Node {
	return grammar.Key("program", "NAME", grammar.String(&r.Program)).Completes(grammar.Program).
		Help("only this program or function")
}

// Open reads the object file.
func (r *ELFFile) Open(e *env.Env) (*elf.Object, error) {
	p := ProgramRequest{File: r.File}
	return p.Object(e)
}

// TextReport is a text that is one string in JSON.
type TextReport struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// WriteText writes the text as it is.
func (r *TextReport) WriteText(t *render.Text, _ render.Options) {
	t.AsIs()
	t.WriteString(r.Text)
}

// TextOf collects what write writes.
func TextOf(file string, write func(io.Writer) error) (*TextReport, error) {
	var b bytes.Buffer
	err := write(&b)
	return &TextReport{File: file, Text: b.String()}, err
}

// OutputFile is the file that a command writes.
type OutputFile struct{ File string }

// Grammar is the word -o and the name of the file.
func (o *OutputFile) Grammar() *grammar.Node {
	return grammar.Key("-o", "OUT", grammar.String(&o.File)).Alias("output").Completes(grammar.File).
		Help("the object file to write, which must not be there unless -force is given; - is standard output")
}

// cannotWrite says what to do about a file that is there.
func cannotWrite(name string, err error) error {
	err = &os.PathError{Op: "open", Path: name, Err: err}
	if errors.Is(err, os.ErrExist) {
		err = env.WithHints(err, "-force overwrites the file")
	}
	return err
}

// Write writes a file that is whole or as it was: with -force a new file takes
// the place of an old one. A device or pipe is written to as it is.
func (o *OutputFile) Write(e *env.Env, b []byte) error {
	return o.Stream(e, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// Stream is write for what is not in memory.
func (o *OutputFile) Stream(e *env.Env, write func(io.Writer) error) error {
	if o.File == "-" {
		return write(e.Stdout)
	}
	st, err := os.Stat(o.File)
	switch {
	case err != nil:
		return writeNew(o.File, write)
	case st.IsDir():
		return cannotWrite(o.File, unix.EISDIR)
	case !e.Replace:
		return cannotWrite(o.File, unix.EEXIST)
	case !st.Mode().IsRegular():
		return writeFile(o.File, 0, write)
	}
	return replaceFile(o.File, write, st.Mode())
}

// Create opens the file for what is to be there while it is written, and to stay if that
// ends early. With -force it takes the place of what is in an old one. The caller closes it.
func (o *OutputFile) Create(e *env.Env) (io.WriteCloser, error) {
	flags := os.O_EXCL
	if e.Replace {
		flags = os.O_TRUNC
	}
	f, err := os.OpenFile(o.File, os.O_WRONLY|os.O_CREATE|flags, 0o644)
	if x, ok := errors.AsType[*os.PathError](err); ok {
		return nil, cannotWrite(o.File, x.Err)
	}
	return f, err
}

// writeFile writes to what is there, or with O_EXCL what is new, and stays only if that succeeds.
func writeFile(name string, flags int, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|flags, 0o644)
	if x, ok := errors.AsType[*os.PathError](err); ok {
		return cannotWrite(name, x.Err)
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil && flags&os.O_EXCL != 0 {
		_ = os.Remove(name)
	}
	return err
}

// writeNew writes a file that must not be there, and is not if that fails. It
// has no name before it is whole, where the file system can do that.
func writeNew(name string, write func(io.Writer) error) error {
	fd, err := unix.Open(filepath.Dir(name), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return writeFile(name, os.O_CREATE|os.O_EXCL, write)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	nameless := fmt.Sprintf("/proc/self/fd/%d", fd)
	if _, err := os.Lstat(nameless); err != nil {
		return writeFile(name, os.O_CREATE|os.O_EXCL, write)
	}
	if err := write(f); err != nil {
		return err
	}
	if err := unix.Linkat(unix.AT_FDCWD, nameless, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW); err != nil {
		return cannotWrite(name, err)
	}
	return nil
}

// replaceFile writes a file beside the one behind the name, and puts it in its place.
func replaceFile(name string, write func(io.Writer) error, mode os.FileMode) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	fresh := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := writeNew(fresh, write); err != nil {
		return err
	}
	if err = errors.Join(os.Chmod(fresh, mode.Perm()), os.Rename(fresh, name)); err != nil {
		_ = os.Remove(fresh)
	}
	return err
}
