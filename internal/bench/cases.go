package main

import "slices"

const megabyte = 1 << 20

// lines is how many commands a batch has, and how many devices and half the
// filters there are to show.
const lines = 1000

func cases() []testCase {
	all := slices.Concat(startCases(), xdpCases(), objectCases(), tcCases(), manyCases())
	for i := range all {
		all[i].goals = append(all[i].goals, memoryGoals(all[i])...)
	}
	return append(all, entryCases()...)
}

// memoryGoals are those of every case but the ones about a million entries.
func memoryGoals(c testCase) []goal {
	return []goal{{memory, "", 25 * megabyte}, {memory, c.contestants[1].tool(), 2}}
}

// startCases are about what it costs to start.
func startCases() []testCase {
	return []testCase{{
		name: "version", about: "print the version",
		contestants: []contestant{
			command("xdpload -Version"), command("hello"), command("imports"), command("ip -V"),
			command("tc -V"), command("bpftool version"), command("floor version"),
		},
		calls: true,
		goals: []goal{{wall, "hello", 1.2}},
	}}
}

// xdpCases are about one small program on one device. The floor shows what of
// it the kernel takes, which is nearly all of it unless the case is calm.
func xdpCases() []testCase {
	swapGoals := []goal{{wall, "ip", 0.7}}
	attachGoals := append(swapGoals[:1:1], goal{wall, "xdp-loader", 0.7})
	load := func(object string) []contestant {
		return []contestant{
			command("xdpload link set dev v0 xdp obj " + object).after(detach),
			command("ip link set dev v0 xdp obj " + object + " sec xdp").after(detach),
			command("xdp-loader load v0 " + object).after(detach),
			command("floor attach v0").after(detach),
		}
	}
	swap := []contestant{
		command("xdpload -force link set dev v0 xdp obj tiny.o"),
		command("ip -force link set dev v0 xdp obj tiny.o sec xdp"),
		command("floor attach v0"),
	}
	off := []contestant{
		command("xdpload link set dev v0 xdp off").after(attach),
		command("ip link set dev v0 xdp off").after(attach),
		command("xdp-loader unload v0 --all").after(attach),
		command("floor off v0").after(attach),
	}
	return []testCase{
		{name: "attach", about: "attach a small XDP program", setup: oneDevice, contestants: load("tiny.o"), goals: attachGoals},
		{name: "swap", about: "replace it", setup: attached(oneDevice), contestants: swap, goals: swapGoals},
		{name: "off", about: "detach it", setup: oneDevice, contestants: off, goals: attachGoals},
		{name: "attach-calm", about: "attach where the kernel need not wait", calm: true, setup: idleDevice, contestants: load("tiny.o"), calls: true, goals: attachGoals},
		{name: "nobtf-calm", about: "the same with an object without BTF", calm: true, setup: idleDevice, contestants: load("tiny_nobtf.o"), calls: true, goals: attachGoals},
		{name: "swap-calm", about: "replace where the kernel need not wait", calm: true, setup: attached(idleDevice), contestants: swap, calls: true, goals: swapGoals},
		{name: "off-calm", about: "detach where the kernel need not wait", calm: true, setup: idleDevice, contestants: off, calls: true, goals: attachGoals},
	}
}

// objectCases are about objects that ask for more. They are calm, as the peer
// that only loads does not wait either.
func objectCases() []testCase {
	load := func(name, about, object, words string, goals ...goal) testCase {
		return testCase{
			name: name, about: about, calm: true, setup: idleDevice, goals: goals,
			contestants: []contestant{
				command("xdpload -force link set dev v0 xdp obj " + object + " " + words).after(unpin),
				command("bpftool prog loadall " + object + " " + pins + "/bench").after(unpin),
				command("ip -force link set dev v0 xdp obj " + object + " " + words).after(unpin),
			},
		}
	}
	maps64 := load("maps64", "a program with 64 maps", "maps64.o", "sec xdp", goal{wall, "bpftool", 0.8})
	maps64.contestants = append(maps64.contestants, command("floor maps v0"))
	return []testCase{
		load("core", "one CO-RE relocation", "core.o", "sec xdp", goal{wall, "bpftool", 0.6}),
		maps64,
		load("heavy16", "16 programs that take the verifier long", "heavy16.o", "program heavy0", goal{wall, "bpftool", 0.55}),
		{
			name: "verify16", about: "the same, and keep none of them",
			calm: true, setup: idleDevice, calls: true, goals: []goal{{wall, "bpftool", 0.6}},
			contestants: []contestant{
				command("xdpload verify heavy16.o"),
				command("bpftool prog loadall heavy16.o " + pins + "/bench").after(unpin),
			},
		},
		load("big", "one of the 111 programs of a 2 MB object", "big.o", "sec xdp/wanted", goal{wall, "ip", 1}),
		{
			name: "rejected", about: "a program that is refused with a log of more than 1 MB",
			calm: true, setup: idleDevice, goals: []goal{{wall, "bpftool", 1}},
			contestants: []contestant{
				command("xdpload link set dev v0 xdp obj hugelog.o").refused(2),
				command("ip link set dev v0 xdp obj hugelog.o sec xdp").refused(2),
				command("bpftool prog loadall hugelog.o " + pins + "/bench").refused(255),
			},
		},
	}
}

// manyCases are about many devices, a thousand as a rule.
func manyCases() []testCase {
	return []testCase{
		{
			name: "show", about: "show 1,000 devices",
			setup: manyDevices, goals: []goal{{wall, "ip", 1}},
			contestants: []contestant{command("xdpload link show"), command("ip -d link show")},
		},
		{
			name: "show-json", about: "the same as JSON",
			setup: manyDevices, goals: []goal{{wall, "ip", 1}, {wall, "sh", 0.5}},
			contestants: []contestant{
				command("xdpload -json link show"), command("ip -d -j link show"),
				{argv: []string{"sh", "-c", "ip -d -j link show && bpftool -j net"}},
			},
		},
		{
			name: "batch", about: "attach the same program to 1,000 devices that are down",
			calm: true, setup: inBatch(manyDevices), goals: []goal{{wall, "ip", 0.5}},
			contestants: []contestant{
				command("xdpload -batch link.batch").after(detachAll),
				command("ip -batch link.batch").after(detachAll),
			},
		},
		{
			name: "batch-heavy", about: "a batch whose lines load different heavy programs",
			calm: true, setup: inHeavyBatch, goals: []goal{{wall, "ip", 0.6}},
			contestants: []contestant{
				command("xdpload -batch heavy.batch").after(detachAll),
				command("ip -batch heavy.batch").after(detachAll),
			},
		},
		{
			name: "many", about: "the same by one command, as the kernel comes",
			setup: inBatch(manyDevices), goals: []goal{{wall, "ip", 0.05}},
			contestants: []contestant{
				command("xdpload link set dev v* xdp obj tiny.o").after(detachAll),
				command("ip -batch link.batch").after(detachAll),
				command("floor attach v 1000").after(detachAll),
			},
		},
		{
			name: "many-calm", about: "the same where the kernel need not wait",
			calm: true, setup: inBatch(manyDevices), goals: []goal{{wall, "ip", 0.05}},
			contestants: []contestant{
				command("xdpload link set dev v* xdp obj tiny.o").after(detachAll),
				command("ip -batch link.batch").after(detachAll),
				command("floor attach v 1000").after(detachAll),
			},
		},
	}
}
