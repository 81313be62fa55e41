package env

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/xdpload/xdpload/internal/render"
)

// patience is how long work goes on before a terminal is told of it, and of it again.
const patience = time.Second

// wipe clears the line of a terminal that the cursor is in.
const wipe = "\r\x1b[K"

// Progress is a line on a terminal that says how far work has come which takes long, until it
// is done. It is safe for concurrent use, and nil where there is nobody to tell.
type Progress struct {
	what  string
	begun time.Time
	out   io.Writer
	stop  chan struct{}
	ended sync.WaitGroup

	mu       sync.Mutex
	columns  int
	done, of int
	shown    bool
}

// Progress begins to tell of work, which the caller ends by [Progress.Done]: on a terminal
// where errors go, and not with -json or in the form of another tool.
func (e *Env) Progress(what string) *Progress {
	columns, _, is := Terminal(e.Stderr)
	if !is || e.JSON || e.Tool.Foreign() {
		return nil
	}
	p := newProgress(e.Stderr, columns, what)
	e.progress = p
	ticks := time.NewTicker(patience)
	p.ended.Go(func() {
		defer ticks.Stop()
		p.follow(ticks.C)
	})
	return p
}

func newProgress(out io.Writer, columns int, what string) *Progress {
	return &Progress{what: render.Line(what), begun: time.Now(), out: out, columns: columns, stop: make(chan struct{})}
}

// follow writes the line anew with each tick.
func (p *Progress) follow(ticks <-chan time.Time) {
	for {
		select {
		case <-p.stop:
			return
		case now := <-ticks:
			p.show(now)
		}
	}
}

// At notes how many parts of the work are done, of how many.
func (p *Progress) At(done, of int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.of = max(p.done, done), of
}

func (p *Progress) show(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := p.what
	if p.of > 1 {
		line += fmt.Sprintf(", %d of %d", p.done, p.of)
	}
	line += fmt.Sprintf(", %v", now.Sub(p.begun).Round(time.Second))
	if text := []rune(line); p.columns > 0 && len(text) >= p.columns {
		line = string(text[len(text)-p.columns+1:]) // how far is at the end
	}
	p.shown = true
	_, _ = io.WriteString(p.out, wipe+line) // as in Encode
}

// Clear takes the line off for others to write there.
func (p *Progress) Clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = io.WriteString(p.out, wipe) // as in Encode
	}
	p.shown = false
}

// Done takes the line off for good.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	close(p.stop)
	p.ended.Wait()
	p.Clear()
}
