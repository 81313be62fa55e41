package cli

import (
	"os"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
)

func TestMain(m *testing.M) { os.Exit(bpftest.Main(m)) }
