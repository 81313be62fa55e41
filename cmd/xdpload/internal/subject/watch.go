package subject

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/xdpload/xdpload/internal/grammar"
)

// A Watch says how long a command goes on that shows what happens.
type Watch struct{ For time.Duration } // 0 for no end

// Grammar is the word for.
func (w *Watch) Grammar() *grammar.Node {
	return grammar.Key("for", "S", grammar.Seconds(&w.For)).Exact().Help("end after S seconds, which may be a fraction")
}

// Begin returns a context that is done with ctx, when the user interrupts the command, and
// when its time is over. The time begins here: what there is to be set up is
// set up before. The caller calls what ends it.
func (w *Watch) Begin(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	if w.For == 0 {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeout(ctx, w.For)
	return ctx, func() { cancel(); stop() }
}
