package grammar

import (
	_ "embed" // for the scripts
	"fmt"
	"strings"
)

//go:embed completion.bash
var bashScript string

//go:embed completion.zsh
var zshScript string

//go:embed completion.fish
var fishScript string

// Script returns the completion script of a shell (bash, zsh or fish) for the
// program. It runs "PROGRAM __complete WORDS… CURRENT" and reads what
// [Completion.Write] writes.
func Script(shell, program string) (string, error) {
	var script string
	switch shell {
	case "bash":
		script = bashScript
	case "zsh":
		script = zshScript
	case "fish":
		script = fishScript
	default:
		return "", fmt.Errorf("no completion for shell %q, only for bash, zsh and fish", shell)
	}
	return strings.ReplaceAll(script, "xdpload", program), nil
}
