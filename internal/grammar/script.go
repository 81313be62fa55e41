package grammar

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed completion.*
var scripts embed.FS

// Script returns the completion script of a shell (bash, zsh or fish) for the
// program. It runs "PROGRAM __complete WORDS… CURRENT" and reads what
// [Completion.Write] writes.
func Script(shell, program string) (string, error) {
	script, err := scripts.ReadFile("completion." + shell)
	if err != nil {
		return "", fmt.Errorf("no completion for shell %q, only for bash, zsh and fish", shell)
	}
	return strings.ReplaceAll(string(script), "xdpload", program), nil
}
