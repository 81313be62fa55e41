package cli

import (
	"slices"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/bytecodecmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/checkcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/elfcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/linkcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/mapcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/netcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/offloadcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/pincmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/progcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tccmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tcxcmd"
	"github.com/xdpload/xdpload/internal/grammar"
)

// A table is commands, found by their first words.
type table = grammar.Table[env.Request]

// A group is the commands that begin with its word.
type group struct {
	word     string
	commands func() table
}

// groups is every command of the program. Where a word is short for several,
// the first in the table wins.
func groups() []group {
	return []group{
		{"link", of(linkcmd.Set, linkcmd.Show, linkcmd.Add, linkcmd.Delete)},
		{"elf", of(elfcmd.Show, elfcmd.Disasm, elfcmd.Asm, elfcmd.Graph, elfcmd.Check, elfcmd.Diff, elfcmd.Convert)},
		{"pin", of(pincmd.Show, pincmd.Add, pincmd.GC, pincmd.Remove)},
		{"map", of(mapcmd.Show, mapcmd.Create, mapcmd.Dump, mapcmd.Get, mapcmd.Set, mapcmd.Delete, mapcmd.Load, mapcmd.Events, mapcmd.Push, mapcmd.Pop, mapcmd.Peek)},
		{"prog", of(progcmd.Show, progcmd.Load, progcmd.Run, progcmd.Dump, progcmd.Trace, progcmd.JIT)},
		{"verify", of(progcmd.Verify)},
		{"offload", of(offloadcmd.Show, offloadcmd.Check)},
		{"features", of(offloadcmd.Features)},
		{"check", of(checkcmd.Check)},
		{"net", of(netcmd.Show, netcmd.Top, netcmd.Monitor, netcmd.Metrics)},
		{"bytecode", of(bytecodecmd.Asm, bytecodecmd.Disasm, bytecodecmd.Run, bytecodecmd.XDP, bytecodecmd.TC)},
		{"completion", of(completionCommand)},
		{"__complete", of(completeCommand)},
		{"tc", tcCommands},
		{"tcx", func() table { return tcxcmd.TCX(netcmd.ShowOnly) }},
		{"netkit", func() table { return tcxcmd.Netkit(netcmd.ShowOnly) }},
		{"version", of(versionCommand)},
	}
}

func of(commands ...func() env.Command) func() table {
	return func() (all table) {
		for _, c := range commands {
			all = append(all, c())
		}
		return all
	}
}

// commands is the table of all groups.
func commands() (all table) {
	for _, g := range groups() {
		all = append(all, g.commands()...)
	}
	return all
}

func tcCommands() table {
	return slices.Concat(
		tccmd.Qdiscs(), tccmd.Filters(), tccmd.Chains(), tccmd.Actions(), tccmd.Exec(), []env.Command{tccmd.Monitor()},
	)
}
