package progcmd

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

type traceRequest struct {
	Program subject.ProgRef // of all without one
	Watch   subject.Watch
}

// Trace is the command prog trace, which prints the text that programs write.
func Trace() env.Command {
	return env.Command{
		Name:    "prog trace",
		Summary: "print the text that programs write",
		Description: `Prints until ^C what every program on the machine writes with bpf_printk: the lines of the kernel's trace, from an instance of our own, so that other readers miss nothing.

Of one program it prints what that writes to its own streams with bpf_stream_printk, and what the kernel writes there when the program goes wrong while it runs, such as a loop that takes too long; since Linux 6.17. Each line goes to one reader only.`,
		Examples: []grammar.Example{
			{Line: "xdpload prog trace", Help: "what all programs print"},
			{Line: "xdpload -json prog trace name xdp_app", Help: "the streams of one, for a script"},
		},
		New: env.New(func(r *traceRequest) *grammar.Node {
			return grammar.Any(r.Program.Grammar(), r.Watch.Grammar())
		}),
	}
}

func (r *traceRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	if r.Program != (subject.ProgRef{}) {
		return nil, r.streams(ctx, e)
	}
	trace, err := subject.OpenTrace(e)
	if err != nil {
		return nil, err
	}
	form := regexp.MustCompile(traceForm)
	ctx, stop := r.Watch.Begin(ctx)
	defer stop()
	return nil, trace.Copy(ctx, &lineWriter{line: func(line string) error {
		return render.Write(e.Stdout, readTraceLine(form, line, trace.Epoch), e.Options)
	}})
}

// A lineWriter hands each whole line on, without its end.
type lineWriter struct {
	rest []byte
	line func(string) error
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte{'\n'})
		if !whole {
			return len(b), nil
		}
		if err := w.line(string(line)); err != nil {
			return 0, err
		}
		w.rest = rest
	}
}

// traceLine is what a program printed, and where it ran.
type traceLine struct {
	at   time.Time // zero if the clock is not known
	Time string    `json:"time,omitempty"`
	CPU  int       `json:"cpu"`
	Task string    `json:"task"` // that it interrupted, or ran in
	PID  int       `json:"pid"`
	Text string    `json:"text"`
}

// WriteText prints a line.
func (l *traceLine) WriteText(t *render.Text, _ render.Options) {
	t.If(!l.at.IsZero(), "%s ", l.at.Format("15:04:05.000000"))
	t.Printf("cpu %d %s-%d: %s\n", l.CPU, l.Task, l.PID, l.Text)
}

// traceForm is a line of trace_pipe (print_trace_line in kernel/trace/trace.c): the task
// with its number, and that of its group where it is asked for; the CPU; what is switched
// off; seconds; and the event.
const traceForm = `^ *(.+)-(\d+) +(?:\([^)]*\) +)?\[(\d+)\] +(?:\S+ +)?(\d+\.\d+): bpf_trace_printk: (.*)$`

// readTraceLine reads a line of a form; one of another form is a text alone, such as that events
// were lost.
func readTraceLine(form *regexp.Regexp, line string, epoch *time.Time) render.Texter {
	m := form.FindStringSubmatch(line)
	if m == nil {
		return &programLine{Text: line}
	}
	l := &traceLine{Task: m[1], Text: m[5]}
	l.PID, _ = strconv.Atoi(m[2]) // digits, as those of the CPU
	l.CPU, _ = strconv.Atoi(m[3])
	if up, err := time.ParseDuration(m[4] + "s"); err == nil && epoch != nil {
		l.at = epoch.Add(up)
		l.Time = l.at.Format(time.RFC3339Nano)
	}
	return l
}

// programLine is a line of a program's stream.
type programLine struct {
	ID     uint32 `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Stream string `json:"stream,omitempty"`
	Text   string `json:"text"`
}

// WriteText prints a line.
func (l *programLine) WriteText(t *render.Text, _ render.Options) {
	t.If(l.Stream != "", "%s: ", l.Stream)
	t.Printf("%s\n", l.Text)
}

// pause is how often the streams are looked at: the kernel wakes nobody up.
const pause = 100 * time.Millisecond

func (r *traceRequest) streams(ctx context.Context, e *env.Env) error {
	p, err := r.Program.Open(e)
	if err != nil {
		return err
	}
	defer p.Close()
	ctx, stop := r.Watch.Begin(ctx)
	defer stop()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		for _, s := range []prog.Stream{prog.Stdout, prog.Stderr} {
			if err := printStream(e, p, s); err != nil {
				return fmt.Errorf("program id %d: %w", p.ID, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// printStream prints what there is.
func printStream(e *env.Env, p *prog.Program, s prog.Stream) error {
	var text []byte
	room := make([]byte, 64<<10)
	for {
		n, err := p.ReadStream(s, room)
		if err != nil {
			return err
		}
		if text = append(text, room[:n]...); n == 0 {
			break
		}
	}
	for line := range strings.Lines(string(text)) {
		out := &programLine{ID: p.ID, Name: p.Name, Stream: s.String(), Text: strings.TrimSuffix(line, "\n")}
		if err := render.Write(e.Stdout, out, e.Options); err != nil {
			return err
		}
	}
	return nil
}
