package main

import (
	"slices"

	"github.com/xdpload/xdpload/internal/grammar"
)

type command = grammar.Command[runner]

// commands is every command of the program. Where a word is short for several,
// the first in the table wins.
func commands() grammar.Table[runner] {
	return append(grammar.Table[runner]{
		linkSetCommand(),
		linkShowCommand(),
		linkAddCommand(),
		linkDelCommand(),
		elfShowCommand(),
		elfDisasmCommand(),
		elfAsmCommand(),
		elfGraphCommand(),
		elfCheckCommand(),
		elfDiffCommand(),
		elfConvertCommand(),
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
		progRunCommand(),
		verifyCommand(),
		progDumpCommand(),
		progJITCommand(),
		offloadShowCommand(),
		offloadCheckCommand(),
		featuresCommand(),
		preflightCommand(),
		netShowCommand(),
		bytecodeAsmCommand(),
		bytecodeDisasmCommand(),
		bytecodeRunCommand(),
		bytecodeXDPCommand(),
		bytecodeTCCommand(),
		completionCommand(),
		completeCommand(),
	}, slices.Concat(tcCommands(), tcxCommands(), netkitCommands())...)
}
