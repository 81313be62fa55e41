package netcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
)

// lossEvent is a tracepoint at which packets are counted: enum event of bpf/monitor.c, of
// which bpf/build.sh makes the objects that are loaded.
type lossEvent uint32

const (
	lostException lossEvent = iota
	lostRedirect
	lostXmit // on the way out of a device that packets were redirected to
	lostTX   // on their way back, of XDP_TX
	lostEnqueue
	lostKthread
)

// loss is what is known of packets that were lost alike: struct loss of bpf/monitor.c.
type loss struct {
	Event   lossEvent
	Netns   uint32 // inode of that of the device
	Ifindex uint32 // of the device that the packets came to, 0 where it is not known
	Program uint32 // id, 0 where it is not known
	Reason  int32  // an errno, negative; of an exception the verdict
	Map     uint32 // id, 0 for none
	To      uint32 // the index in the map, or the ifindex where there is no map
	ToNetns uint32 // of lostXmit
}

// losses counts the packets that XDP loses, while it is open.
type losses struct {
	loaded *load.Loaded
	taps   []io.Closer
	counts *load.Map
	others *load.Map
}

// taps are the programs of bpf/monitor.c. Where several are for a tracepoint, that is run which
// this kernel has the arguments for.
var taps = []struct {
	tracepoint string
	programs   []string
}{
	{"xdp_exception", []string{"exception"}},
	{"xdp_redirect_err", []string{"redirect", "redirect_map"}},
	{"xdp_devmap_xmit", []string{"xmit"}},
	{"xdp_bulk_tx", []string{"tx"}},
	{"xdp_cpumap_enqueue", []string{"enqueue"}},
	{"xdp_cpumap_kthread", []string{"kthread"}},
}

// countLosses begins to count those of the devices of a network namespace, or of one device. The
// caller closes the result.
func countLosses(ctx context.Context, netns uint64, ifindex int) (_ *losses, err error) {
	obj, err := elf.Read(bytes.NewReader(monitorObject))
	if err != nil {
		return nil, err
	}
	o := load.Options{
		Pins: load.PinOptions{Off: true},
		Variables: []load.Variable{
			{Name: "only_netns", Value: fmt.Sprint(netns)}, {Name: "only_ifindex", Value: fmt.Sprint(ifindex)},
		},
	}
	for _, p := range obj.Programs() {
		o.Also = append(o.Also, elf.Selector{Program: p.Name})
	}
	o.Select, o.Also = o.Also[0], o.Also[1:]
	l := new(losses)
	if l.loaded, err = load.Load(ctx, obj, o); err != nil {
		return nil, err
	}
	l.counts, l.others = l.loaded.Map("losses"), l.loaded.Map("others")
	if err := l.tap(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// tap listens to all tracepoints that this kernel has.
func (l *losses) tap() error {
	for _, t := range taps {
		var err error
		for _, name := range t.programs {
			var c io.Closer
			if c, err = l.loaded.ProgramNamed(name).Trace(t.tracepoint); err == nil {
				l.taps = append(l.taps, c)
			}
			if !errors.Is(err, unix.EINVAL) {
				break
			}
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// read returns how many packets were lost up to now, by what is known of them, and how many
// beside them there was no room to know anything of.
func (l *losses) read() (all map[loss]uint64, others uint64, err error) {
	all = make(map[loss]uint64)
	var key loss
	var packets uint64
	entries := l.counts.Iterate()
	for entries.Next(&key, &packets) {
		all[key] = packets
	}
	return all, others, errors.Join(entries.Err(), l.others.Lookup(uint32(0), &others))
}

// Close stops counting.
func (l *losses) Close() error {
	var all []error
	for _, t := range l.taps {
		all = append(all, t.Close())
	}
	return errors.Join(append(all, l.loaded.Close())...)
}
