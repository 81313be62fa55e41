package grammar

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

// TestMain lets the test binary stand for the program in the shells.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "__complete" {
		if err := answer(os.Args[2:]); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

func answer(words []string) error {
	last := len(words) - 1
	c := fixtureTable().Complete(fixtureManual(), words[:last], words[last])
	if slices.Contains(c.Kinds, Device) {
		c.Offer("eth0", "a device")
		c.Offer("two words", "a device")
		c.Offer("br:one", "a device")
		c.Offer("br:two", "a device")
		c.Offer("$(touch owned)", "a device")
	}
	return c.Write(os.Stdout)
}

// TestScripts has each shell complete lines, and looks at the words offered.
func TestScripts(t *testing.T) {
	tests := []struct {
		name, line string
		want       []string
	}{
		{"command", "xdpload li", []string{"link"}},
		{"verbs", "xdpload link ", []string{"set", "show"}},
		{"keyword", "xdpload link set eth0 xdp obj f.o se", []string{"section"}},
		{"colon", "xdpload link set br:t", []string{"br:two"}},
		{"space", "xdpload link set tw", []string{"two words"}},
		{"after a space", `xdpload link set 'two words' xdpd`, []string{"xdpdrv"}},
		{"after an escape", `xdpload link set two\ words xdpd`, []string{"xdpdrv"}},
		{"after a colon", "xdpload link set br:two xdpd", []string{"xdpdrv"}},
		{"option", "xdpload -ba", []string{"-batch"}},
		{"after an option", "xdpload -n 'a b' link sh", []string{"show"}},
		{"file", "xdpload link set eth0 xdp obj one", []string{"one.o"}},
		{"code in a word", `xdpload link set '$(touch owned)' xdpd`, []string{"xdpdrv"}},
		{"code outside of quotes", "xdpload link set `touch${IFS}owned` xdpd", []string{"xdpdrv"}},
		{"code as a candidate", `xdpload link set '$(to`, []string{"$(touch owned)"}},
	}
	lines := make([]string, len(tests))
	for i, tt := range tests {
		lines[i] = tt.line
	}
	shells := map[string]func(*testing.T, string, []string) [][]string{
		"bash": completeBash, "zsh": completeZsh, "fish": completeFish,
	}
	for shell, complete := range shells {
		t.Run(shell, func(t *testing.T) {
			need.Of(t, need.Command(shell), need.Self)
			dir := shellDir(t, shell)
			got := complete(t, dir, lines)
			for i, tt := range tests {
				want := tt.want
				if shell == "zsh" {
					want = []string{commonPrefix(want)}
				}
				if diff := cmp.Diff(want, got[i]); diff != "" {
					t.Errorf("%s: %s", tt.name, diff)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
				t.Error("the typed words were run")
			}
		})
	}
	if _, err := Script("tcsh", "xdpload"); err == nil {
		t.Error("no error for an unknown shell")
	}
}

// shellDir makes a directory with the program, its script, and a file.
func shellDir(t *testing.T, shell string) string {
	t.Helper()
	dir := t.TempDir()
	script, err := Script(shell, "xdpload")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"script": script, "one.o": "", "_xdpload": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(self, filepath.Join(dir, "xdpload")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func shellRun(t *testing.T, dir string, argv ...string) []string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "TERM=dumb", "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s", argv[0], err, stderr.String())
	}
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// completeBash calls the completion function as readline would.
func completeBash(t *testing.T, dir string, lines []string) [][]string {
	var all [][]string
	for _, line := range lines {
		all = append(all, shellRun(t, dir, "bash", "--norc", "-c", `
			source ./script
			compopt() { [[ $* == *default* ]] && COMPREPLY+=($(compgen -f -- "${words[-1]}")); }
			COMP_LINE=$1 COMP_POINT=${#1}
			_xdpload
			typed=${1##* }
			for c in "${COMPREPLY[@]}"; do
				[[ $typed == *:* ]] && c=${typed%:*}:$c
				[[ $1 == *"'"\$* ]] || eval "c=$c"
				printf '%s\n' "$c"
			done`, "bash", line))
	}
	return all
}

func completeFish(t *testing.T, dir string, lines []string) [][]string {
	var all [][]string
	for _, line := range lines {
		words := shellRun(t, dir, "fish", "--no-config", "-c", "source ./script; complete -C $argv[1]", line)
		for i, w := range words {
			words[i], _, _ = strings.Cut(w, "\t")
		}
		all = append(all, words)
	}
	return all
}

// completeZsh types each line and a tab into an interactive zsh, which inserts
// what all candidates have in common.
func completeZsh(t *testing.T, dir string, lines []string) [][]string {
	words := shellRun(t, dir, append([]string{"zsh", "-f", "-c", `
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell 'PS1= PS2= RPS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; unsetopt auto_list'
		zpty -w shell 'dump() { print -r -- "${(Q)${(z)BUFFER}[-1]}" >dump; BUFFER= }; zle -N dump; bindkey "^X" dump; print re""ady'
		zpty -r shell out '*ready*'
		for line in "$@"; do
			zpty -w -n shell "$line"$'\t\x18'
			for i in {1..200}; do [[ -s dump ]] && break; sleep 0.05; done
			cat dump; rm -f dump
		done
		zpty -d shell`, "zsh"}, lines...)...)
	var all [][]string
	for _, w := range words {
		all = append(all, []string{w})
	}
	return all
}

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
