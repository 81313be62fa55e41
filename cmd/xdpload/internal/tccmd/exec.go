package tccmd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
)

// Exec are the commands tc exec bpf graft, import and debug.
func Exec() []env.Command {
	return []env.Command{graftCommand(), importCommand(), debugCommand()}
}

// importRequest waits for maps and runs a command that uses them.
type importRequest struct {
	Path    string
	Command []string
}

func importCommand() env.Command {
	return env.Command{
		Name:        "tc exec bpf import",
		Summary:     "wait for the maps of a load, and run a command with them",
		Description: `Waits at a Unix socket for the maps that "export" sends from "tc filter add", of this program or of tc. Then it runs the command, a shell by default, which inherits the maps: BPF_NUM_MAPS is their number, and BPF_MAP5 the file descriptor of the map whose id in the object is 5. Maps of today's style have no such id; this program numbers them from 0 in the order of their names.`,
		Examples: []grammar.Example{
			{Line: "xdpload tc exec bpf import /run/maps run agent", Help: "run agent when the maps are there"},
			{Line: "xdpload tc filter add dev eth0 ingress bpf da obj foo.o export /run/maps", Help: "send them"},
		},
		New: func() (*grammar.Node, env.Request) {
			r := &importRequest{Command: []string{"/bin/sh"}}
			set := func(words []string) error { r.Command = words; return nil }
			return grammar.Seq(
				grammar.Value("SOCKET", grammar.String(&r.Path)).Completes(grammar.File).Help("the socket's path, which must be free"),
				grammar.Opt(grammar.Word("run", grammar.Rest("COMMAND", set)).Help("the command and its arguments")),
			), r
		},
	}
}

// Run never returns when the command could be started: the process becomes it.
func (r *importRequest) Run(context.Context, *env.Env) (any, error) {
	program, err := exec.LookPath(r.Command[0])
	if err != nil {
		return nil, err
	}
	set, fds, err := subject.ImportMaps(r.Path)
	if err != nil {
		return nil, err
	}
	return nil, os.NewSyscallError("exec "+program, syscall.Exec(program, r.Command, importEnv(os.Environ(), set, fds)))
}

// importEnv is how the command is told which descriptor is which map.
func importEnv(env []string, set *subject.MapSet, fds []int) []string {
	env = append(env, fmt.Sprintf("BPF_NUM_MAPS=%d", len(set.Maps)))
	for i, m := range set.Maps {
		env = append(env, fmt.Sprintf("BPF_MAP%d=%d", m.ID, fds[i]))
	}
	return env
}
