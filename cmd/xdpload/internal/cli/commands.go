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
		{"link", linkCommands},
		{"elf", elfCommands},
		{"pin", pinCommands},
		{"map", mapCommands},
		{"prog", progCommands},
		{"verify", single(progcmd.Verify)},
		{"offload", offloadCommands},
		{"features", single(offloadcmd.Features)},
		{"check", single(checkcmd.Check)},
		{"net", single(netcmd.Show)},
		{"bytecode", bytecodeCommands},
		{"completion", single(completionCommand)},
		{"__complete", single(completeCommand)},
		{"tc", tcCommands},
		{"tcx", func() table { return tcxcmd.TCX(netcmd.ShowOnly) }},
		{"netkit", func() table { return tcxcmd.Netkit(netcmd.ShowOnly) }},
		{"version", single(versionCommand)},
	}
}

func single(c func() env.Command) func() table {
	return func() table { return table{c()} }
}

// commands is the table of all groups.
func commands() (all table) {
	for _, g := range groups() {
		all = append(all, g.commands()...)
	}
	return all
}

func linkCommands() table {
	return table{linkcmd.Set(), linkcmd.Show(), linkcmd.Add(), linkcmd.Delete()}
}

func elfCommands() table {
	return table{
		elfcmd.Show(), elfcmd.Disasm(), elfcmd.Asm(), elfcmd.Graph(),
		elfcmd.Check(), elfcmd.Diff(), elfcmd.Convert(),
	}
}

func pinCommands() table {
	return table{pincmd.Show(), pincmd.GC(), pincmd.Remove()}
}

func mapCommands() table {
	return table{
		mapcmd.Show(), mapcmd.Dump(), mapcmd.Get(), mapcmd.Set(), mapcmd.Delete(), mapcmd.Load(),
	}
}

func progCommands() table {
	return table{progcmd.Show(), progcmd.Run(), progcmd.Dump(), progcmd.JIT()}
}

func offloadCommands() table {
	return table{offloadcmd.Show(), offloadcmd.Check()}
}

func bytecodeCommands() table {
	return table{
		bytecodecmd.Asm(), bytecodecmd.Disasm(), bytecodecmd.Run(), bytecodecmd.XDP(), bytecodecmd.TC(),
	}
}

func tcCommands() table {
	return slices.Concat(
		tccmd.Qdiscs(), tccmd.Filters(), tccmd.Chains(), tccmd.Actions(), tccmd.Exec(), []env.Command{tccmd.Monitor()},
	)
}
