package main

import (
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
)

type command = grammar.Command[request]

// A group is the commands that begin with its words.
type group struct {
	words    string
	commands func() []command
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
		{"verify", single(verifyCommand)},
		{"offload", offloadCommands},
		{"features", single(featuresCommand)},
		{"check", single(preflightCommand)},
		{"net", single(netShowCommand)},
		{"bytecode", bytecodeCommands},
		{"completion", single(completionCommand)},
		{"__complete", single(completeCommand)},
		{"tc qdisc", tcQdiscCommands},
		{"tc filter", tcFilterCommands},
		{"tc chain", tcChainCommands},
		{"tc actions", tcActionsCommands},
		{"tc exec", tcExecCommands},
		{"tc monitor", single(tcMonitorCommand)},
		{"tcx", func() []command { return tcxCommands(showOnly) }},
		{"netkit", func() []command { return netkitCommands(showOnly) }},
	}
}

func single(c func() command) func() []command {
	return func() []command { return []command{c()} }
}

// commands is the table of all groups.
func commands() (all grammar.Table[request]) {
	for _, g := range groups() {
		all = append(all, g.commands()...)
	}
	return all
}

// commandsFor is enough of the table to look the words up: one group where they
// begin with its words, in full. To build the others takes longer than to read
// the line.
func commandsFor(words []string) grammar.Table[request] {
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

func linkCommands() []command {
	return []command{linkSetCommand(), linkShowCommand(), linkAddCommand(), linkDelCommand()}
}

func elfCommands() []command {
	return []command{
		elfShowCommand(), elfDisasmCommand(), elfAsmCommand(), elfGraphCommand(),
		elfCheckCommand(), elfDiffCommand(), elfConvertCommand(),
	}
}

func pinCommands() []command {
	return []command{pinShowCommand(), pinGCCommand(), pinRmCommand()}
}

func mapCommands() []command {
	return []command{
		mapShowCommand(), mapDumpCommand(), mapGetCommand(), mapSetCommand(), mapDelCommand(), mapLoadCommand(),
	}
}

func progCommands() []command {
	return []command{progShowCommand(), progRunCommand(), progDumpCommand(), progJITCommand()}
}

func offloadCommands() []command {
	return []command{offloadShowCommand(), offloadCheckCommand()}
}

func bytecodeCommands() []command {
	return []command{
		bytecodeAsmCommand(), bytecodeDisasmCommand(), bytecodeRunCommand(), bytecodeXDPCommand(), bytecodeTCCommand(),
	}
}
