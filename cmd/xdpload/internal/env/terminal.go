package env

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Terminal reports whether out is one, and how many columns and lines it has now, 0 if it
// does not tell.
func Terminal(out io.Writer) (columns, lines int, is bool) {
	f, ok := out.(*os.File)
	if !ok {
		return 0, 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	return int(size.Col), int(size.Row), true
}
