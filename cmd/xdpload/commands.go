package main

import "github.com/xdpload/xdpload/internal/grammar"

type command = grammar.Command[runner]

// commands is every command of the program. Where a word is short for several,
// the first in the table wins.
func commands() grammar.Table[runner] {
	return append(grammar.Table[runner]{
		linkSetCommand(),
		linkShowCommand(),
		elfShowCommand(),
		elfDisasmCommand(),
		elfAsmCommand(),
		elfGraphCommand(),
		elfCheckCommand(),
		pinShowCommand(),
		pinGCCommand(),
		pinRmCommand(),
		mapShowCommand(),
		mapDumpCommand(),
		mapGetCommand(),
		mapSetCommand(),
		mapDelCommand(),
		mapLoadCommand(),
		progShowCommand(),
		offloadShowCommand(),
		offloadCheckCommand(),
		featuresCommand(),
		preflightCommand(),
		completionCommand(),
		completeCommand(),
	}, tcCommands()...)
}
