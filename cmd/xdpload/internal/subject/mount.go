package subject

import (
	"errors"
	"io/fs"
	"os"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// MountHints are how to have a BPF file system at a path for a line. In what
// "ip netns exec" runs, a mount would be gone with the command.
func MountHints(path string, line env.Line) []string {
	if name := netns.Executed(); name != "" {
		return []string{"\"ip netns exec\" hides the BPF file system, and what is mounted in it is gone with it; so without it: " + line.With([]string{"-netns", name})}
	}
	mount := render.Shell("mount", "-t", "bpf", "-o", "mode=700", "bpf", path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && path == pin.DefaultRoot {
		mount = "mount -t sysfs sysfs /sys && " + mount
	}
	return []string{mount}
}
