package main

import (
	"maps"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testdev"
)

// offloadScriptCommands are the commands of scripts that have a simulated card:
//
//	card N PORTS         put one in; $DEV and the like are its ports: DEV1 is the first of card 1, DEV1_1 its second
//	remove N             take it out
//	[!] set N  FILE VALUE    write one of its files in debugfs
//	tcoffload N  on|off  the first port's hw-tc-offload
//	unplug N  PORT       take out one port
//	move N               move its first port to a namespace of its own
var offloadScriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"card":      insertCard,
	"remove":    removeCard,
	"set":       setCard,
	"tcoffload": setTCOffload,
	"move":      moveCard,
	"unplug":    unplugPort,
}

// TestOffload runs each script with a namespace and a BPF file system of its
// own. It needs netdevsim, which the kernels of distributions lack.
func TestOffload(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Netdevsim)
	all := maps.Clone(scriptCommands)
	maps.Copy(all, offloadScriptCommands)
	testscript.RunT(scriptT{t}, testscript.Params{Dir: "testdata/offload", Setup: setupCards, Cmds: all})
}

type cardsKey struct{}

func setupCards(env *testscript.Env) error {
	env.Values[cardsKey{}] = map[string]*bpftest.Card{}
	return setupKernel(env)
}

func cards(ts *testscript.TestScript) map[string]*bpftest.Card {
	return ts.Value(cardsKey{}).(map[string]*bpftest.Card)
}

func insertCard(ts *testscript.TestScript, _ bool, args []string) {
	ports, err := strconv.Atoi(args[1])
	ts.Check(err)
	card, err := of(ts).ns.NewCard(ports)
	ts.Check(err)
	cards(ts)[args[0]] = card
	for i, dev := range card.Devices {
		name := "DEV" + args[0]
		if i > 0 {
			name += "_" + strconv.Itoa(i)
		}
		ts.Setenv(name, dev.Name)
		ts.Setenv(name+"_INDEX", strconv.Itoa(dev.Index))
	}
}

func removeCard(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(cards(ts)[args[0]].Remove())
}

func unplugPort(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(cards(ts)[args[0]].Unplug(args[1]))
}

func setCard(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(cards(ts)[args[0]].Set(args[1], args[2]))
}

func setTCOffload(ts *testscript.TestScript, neg bool, args []string) {
	err := cards(ts)[args[0]].TCOffload(of(ts).ns, 0, args[1] == "on")
	if neg != (err != nil) {
		ts.Fatalf("error: %v", err)
	}
}

func moveCard(ts *testscript.TestScript, _ bool, args []string) {
	other := bpftest.NewNamespace(of(ts).t)
	ts.Setenv("OTHER", other.Name)
	f, err := other.Open()
	ts.Check(err)
	defer f.Close()
	ts.Check(testdev.SetNetNS(cards(ts)[args[0]].Devices[0].Index, int(f.Fd())))
}

// TestBound runs the scripts about programs that are bound to a device.
func TestBound(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.DeviceBound)
	testscript.RunT(scriptT{t}, testscript.Params{Dir: "testdata/bound", Setup: setupKernel, Cmds: scriptCommands})
}
