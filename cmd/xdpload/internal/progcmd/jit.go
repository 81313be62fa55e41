package progcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// jitDir has the settings of the JIT compiler, which are the machine's.
const jitDir = "/proc/sys/net/core"

type progJITRequest struct {
	Setting *jitSetting // nil to tell all
	Value   int64
}

// JIT is the command prog jit, which tells and sets how the kernel compiles programs.
func JIT() env.Command {
	return env.Command{
		Name:    "prog jit",
		Summary: "show or set how the kernel compiles programs",
		Description: `Shows the settings of the kernel's JIT compiler, what each means, and how much machine code there is; or sets one of them, for the whole machine and until it restarts. Programs that are already loaded stay as they are.

The settings are net.core.bpf_jit_enable, bpf_jit_harden, bpf_jit_kallsyms and bpf_jit_limit of sysctl(8). Only the machine's first network namespace has them.`,
		Examples: []grammar.Example{
			{Line: "xdpload prog jit", Help: "how programs are compiled"},
			{Line: "xdpload prog jit harden 2", Help: "blind the constants of every program that is loaded from now on"},
		},
		New: env.New(func(r *progJITRequest) *grammar.Node {
			var all []*grammar.Node
			for i := range jitSettings {
				s := &jitSettings[i]
				all = append(all, grammar.Key(s.Name, s.Values, grammar.Number(&r.Value, s.Min, s.Max)).
					Do(func() { r.Setting = s }).Help(s.Help))
			}
			return grammar.Opt(grammar.Alt(all...))
		}),
	}
}

// jitSetting is a setting, as net/core/sysctl_net_core.c has it.
type jitSetting struct {
	Name     string // after "bpf_jit_"
	Values   string // in words of the grammar
	Min, Max int64
	Help     string
	Meanings []string // by value, of one that has few
}

// jitSettings are the settings of the JIT compiler, in the order in which they are told.
var jitSettings = [...]jitSetting{
	{
		Name: "enable", Values: "0|1|2", Max: 2,
		Help: "interpret programs (0), compile them (1), or compile them and write the code into the kernel's log, to look for faults of the compiler (2)",
		Meanings: []string{
			"programs are interpreted",
			"programs are compiled",
			"programs are compiled, and the code is written into the kernel's log",
		},
	},
	{
		Name: "harden", Values: "0|1|2", Max: 2,
		Help: "leave constants as they are (0), blind those of unprivileged users' programs (1), or of all programs (2)",
		Meanings: []string{
			"constants stand in the code as they are",
			"constants of unprivileged users' programs are blinded, and no program is in /proc/kallsyms",
			"constants of all programs are blinded, and no program is in /proc/kallsyms",
		},
	},
	{
		Name: "kallsyms", Values: "0|1", Max: 1,
		Help: "leave programs out of /proc/kallsyms (0), or show them there to those who may see addresses (1)",
		Meanings: []string{
			"programs are not in /proc/kallsyms: profilers and traces have no names for them",
			"programs are in /proc/kallsyms, unless harden keeps them out",
		},
	},
	{
		Name: "limit", Values: "BYTES", Min: 1, Max: math.MaxInt64,
		Help: "the bytes of code beyond which only CAP_BPF can load programs",
	},
}

// meaning says what a value means.
func (s *jitSetting) meaning(value int64) string {
	switch {
	case s.Meanings == nil:
		return "bytes of code, beyond which only CAP_BPF can load programs"
	case value >= 0 && value < int64(len(s.Meanings)):
		return s.Meanings[value]
	}
	return "unknown to this version"
}

func (s *jitSetting) path(dir string) string { return filepath.Join(dir, "bpf_jit_"+s.Name) }

func (s *jitSetting) read(dir string) (int64, error) {
	text, err := os.ReadFile(s.path(dir))
	if err != nil {
		return 0, jitError(dir, err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// write changes the setting and nothing else: the file must be there.
func (s *jitSetting) write(dir string, value int64) error {
	f, err := os.OpenFile(s.path(dir), os.O_WRONLY, 0)
	if err != nil {
		return jitError(dir, err)
	}
	defer f.Close()
	_, err = f.WriteString(strconv.FormatInt(value, 10))
	switch {
	case errors.Is(err, unix.EINVAL) && s.Name == "enable":
		return fmt.Errorf("this kernel, built with CONFIG_BPF_JIT_ALWAYS_ON, takes only 1: %w", err)
	case errors.Is(err, unix.EINVAL) && s.Name == "limit":
		return fmt.Errorf("more than there is room for code: %w", err)
	}
	return err
}

// jitError says why a setting is not there, or cannot be written. Where not even the
// budget of a poll of devices can be set, which every kernel has, it is not the machine's
// first network namespace.
func jitError(dir string, err error) error {
	if errors.Is(err, unix.EROFS) {
		return env.WithHints(err, "/proc/sys is mounted read-only, as in containers: set it on the machine itself")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, first := os.Stat(filepath.Join(dir, "netdev_budget")); first != nil {
		return &jitPlaceError{err}
	}
	return fmt.Errorf("this kernel does not have the setting, or no JIT compiler (CONFIG_BPF_JIT): %w", err)
}

// jitPlaceError says that a network namespace does not have the settings.
type jitPlaceError struct{ Err error }

func (e *jitPlaceError) Error() string {
	return "this network namespace does not have the setting: only the machine's first one does"
}
func (e *jitPlaceError) Unwrap() error { return e.Err }

// Hints lead to the network namespace that has the setting.
func (*jitPlaceError) Hints() []string {
	return []string{"xdpload -netns /proc/1/ns/net prog jit …"}
}

func (r *progJITRequest) Run(context.Context, *env.Env) (any, error) {
	if r.Setting == nil {
		return tellJIT(jitDir)
	}
	return setJIT(jitDir, r.Setting, r.Value)
}
