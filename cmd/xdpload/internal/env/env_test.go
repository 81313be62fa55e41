package env

import (
	"errors"
	"io"
	"testing"
)

type full struct{}

var errFull = errors.New("no space")

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestRefuse: why a command fails is told also where its report cannot be printed.
func TestRefuse(t *testing.T) {
	why := errors.New("the verdict is XDP_PASS")
	found := Notice{Warning: "found"}
	e := &Env{Stdout: full{}}
	if _, err := e.Refuse(found, why); !errors.Is(err, why) || !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	e.Stdout = io.Discard
	if _, err := e.Refuse(found, why); !errors.Is(err, why) || errors.Is(err, errFull) {
		t.Errorf("printed: %v", err)
	}
}
