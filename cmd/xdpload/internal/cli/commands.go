package cli

import (
	"strings"

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

// A group is the commands that begin with its words.
type group struct {
	words    string
	commands func() []env.Command
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
		{"tc qdisc", tccmd.Qdiscs},
		{"tc filter", tccmd.Filters},
		{"tc chain", tccmd.Chains},
		{"tc actions", tccmd.Actions},
		{"tc exec", tccmd.Exec},
		{"tc monitor", single(tccmd.Monitor)},
		{"tcx", func() []env.Command { return tcxcmd.TCX(netcmd.ShowOnly) }},
		{"netkit", func() []env.Command { return tcxcmd.Netkit(netcmd.ShowOnly) }},
	}
}

func single(c func() env.Command) func() []env.Command {
	return func() []env.Command { return []env.Command{c()} }
}

// commands is the table of all groups.
func commands() (all grammar.Table[env.Request]) {
	for _, g := range groups() {
		all = append(all, g.commands()...)
	}
	return all
}

// commandsFor is enough of the table to look the words up: one group where they
// begin with its words, in full. To build the others takes longer than to read
// the line.
func commandsFor(words []string) grammar.Table[env.Request] {
	for _, g := range groups() {
		if g.has(words) {
			return g.commands()
		}
	}
	return commands()
}

func (g *group) has(words []string) bool {
	for w := range strings.SplitSeq(g.words, " ") {
		if len(words) == 0 || words[0] != w {
			return false
		}
		words = words[1:]
	}
	return true
}

func linkCommands() []env.Command {
	return []env.Command{linkcmd.Set(), linkcmd.Show(), linkcmd.Add(), linkcmd.Delete()}
}

func elfCommands() []env.Command {
	return []env.Command{
		elfcmd.Show(), elfcmd.Disasm(), elfcmd.Asm(), elfcmd.Graph(),
		elfcmd.Check(), elfcmd.Diff(), elfcmd.Convert(),
	}
}

func pinCommands() []env.Command {
	return []env.Command{pincmd.Show(), pincmd.GC(), pincmd.Remove()}
}

func mapCommands() []env.Command {
	return []env.Command{
		mapcmd.Show(), mapcmd.Dump(), mapcmd.Get(), mapcmd.Set(), mapcmd.Delete(), mapcmd.Load(),
	}
}

func progCommands() []env.Command {
	return []env.Command{progcmd.Show(), progcmd.Run(), progcmd.Dump(), progcmd.JIT()}
}

func offloadCommands() []env.Command {
	return []env.Command{offloadcmd.Show(), offloadcmd.Check()}
}

func bytecodeCommands() []env.Command {
	return []env.Command{
		bytecodecmd.Asm(), bytecodecmd.Disasm(), bytecodecmd.Run(), bytecodecmd.XDP(), bytecodecmd.TC(),
	}
}
