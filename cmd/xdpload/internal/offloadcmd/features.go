package offloadcmd

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/offload"
)

// Features is the command features, which lists drivers and since when each runs XDP programs.
func Features() env.Command {
	return env.Command{
		Name:        "features",
		Summary:     "list the drivers that run XDP programs, and since which kernel",
		Description: `Lists network drivers: the kernel since which each runs XDP programs (native), the kernel since which its devices run them (offload), and the devices of this network namespace that it drives. A driver that is not listed may run them as well: "xdpload offload show dev DEV" asks.`,
		Examples: []grammar.Example{
			{Line: "xdpload features", Help: "the list"},
		},
		New: func() (*grammar.Node, env.Request) { return grammar.Seq(), env.Runner(listDrivers) },
	}
}

type driverList []*driverReport

// driverReport is a driver. Kernels are "4.10".
type driverReport struct {
	Name    string   `json:"driver"`
	Native  string   `json:"native_since,omitempty"`
	Offload string   `json:"offload_since,omitempty"`
	Devices []string `json:"devices,omitempty"` // of this network namespace
	Source  string   `json:"source,omitempty"`
}

// listDrivers adds the drivers of the devices here to those that are known.
func listDrivers(_ context.Context, e *env.Env) (any, error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, err
	}
	var list driverList
	byName := make(map[string]*driverReport)
	add := func(r *driverReport) {
		list, byName[r.Name] = append(list, r), r
	}
	for _, d := range offload.Drivers() {
		add(&driverReport{Name: d.Name, Native: d.Native, Offload: d.Offload, Source: d.Source})
	}
	for l, err := range conn.Links() {
		if err != nil {
			return nil, err
		}
		d, err := offload.Probe(conn, l.Index)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		if d.Driver == "" {
			continue
		}
		if byName[d.Driver] == nil {
			add(&driverReport{Name: d.Driver})
		}
		byName[d.Driver].Devices = append(byName[d.Driver].Devices, l.Name)
	}
	return list, nil
}

// WriteText prints a table.
func (list driverList) WriteText(t *render.Text, o render.Options) {
	var table render.Table
	table.Row("driver", "native", "offload", "devices", "source")
	for _, d := range list {
		table.Row(d.Name, cmp.Or(d.Native, "-"), cmp.Or(d.Offload, "-"), cmp.Or(strings.Join(d.Devices, ","), "-"), cmp.Or(d.Source, "-"))
	}
	table.WriteText(t, o)
}
