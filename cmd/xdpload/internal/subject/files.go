package subject

import (
	"errors"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// Files are the object files that a command looks into, one after the other.
type Files []string

// Grammar is the names of the files.
func (f *Files) Grammar() *grammar.Node {
	noOption := func(word string) bool { return word == "-" || !strings.HasPrefix(word, "-") } // that stands too late
	return grammar.Value("FILE", f.add).Accept(noOption).Repeat().Completes(grammar.File).
		Help("an object file, or - for standard input")
}

func (f *Files) add(file string) error {
	if file == "-" && slices.Contains(*f, "-") {
		return errors.New("standard input can be one of the objects only")
	}
	*f = append(*f, file)
	return nil
}

// EachFile has look report on each file. One that fails does not keep the others from
// being looked at: the reports that there are come with an error for each of the others.
// name is what a file is called, by its whole path if there are several.
func EachFile[R any](e *env.Env, files Files, look func(o *elf.Object, name string) (report *R, err error)) (reports []*R, err error) {
	var failed filesError
	for _, name := range files {
		file := ELFFile{File: name}
		o, err := file.Open(e)
		if err == nil {
			if len(files) == 1 || name == "-" {
				name = o.Name()
			}
			var report *R
			if report, err = look(o, name); report != nil {
				reports = append(reports, report)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	switch len(failed) {
	case 0:
		return reports, nil
	case 1:
		return reports, failed[0]
	}
	return reports, failed
}

// ConcludeFiles prints the reports that there are beside an error.
func ConcludeFiles[R render.Texter](e *env.Env, reports []R, err error) (any, error) {
	list := fileReports[R](reports)
	if err != nil && len(list) > 0 {
		return e.Refuse(list, err)
	}
	return list, err
}

// filesError is of the files that failed.
type filesError []error

func (e filesError) Error() string {
	var texts []string
	for _, err := range e {
		texts = append(texts, env.OneLine(err))
	}
	return strings.Join(texts, "; ")
}

func (e filesError) Unwrap() []error { return e }

// fileReports are those on several files, with a line between them.
type fileReports[R render.Texter] []R

// WriteText writes one after the other.
func (r fileReports[R]) WriteText(t *render.Text, o render.Options) {
	for i, report := range r {
		t.If(i > 0 && !o.Brief, "\n")
		report.WriteText(t, o)
	}
}
