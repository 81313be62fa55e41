package netcmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

type metricsRequest struct{ scope }

// Metrics is the command net metrics, which tells a monitoring system what programs cost.
func Metrics() env.Command {
	return env.Command{
		Name:    "net metrics|openmetrics",
		Options: "all-netns",
		Summary: "write the counters of programs in the form of OpenMetrics",
		Description: `Prints one reading of the counters of every program on a hook of the devices, and of these devices, in the text form of OpenMetrics 1.0, which the textfile collector of Prometheus' node_exporter reads too.

The kernel counts runs while the sysctl kernel.bpf_stats_enabled is 1, or a process has it do so; xdpload_bpf_counting tells whether it does now. xdpload_bpf_hook_info joins programs and devices.`,
		Examples: []grammar.Example{
			{Line: "cd /var/lib/node_exporter && xdpload net metrics >.new && mv .new xdpload.prom", Help: "for the textfile collector, which must find whole files only"},
		},
		New: env.New(func(r *metricsRequest) *grammar.Node {
			return grammar.Any(r.deviceGrammar(), r.allGrammar())
		}),
	}
}

func (r *metricsRequest) Run(_ context.Context, e *env.Env) (any, error) {
	if subject.Lacks(unix.CAP_SYS_ADMIN) { // and would see ids, and no counters
		return nil, &prog.IDError{Kind: "program", Err: unix.EPERM}
	}
	counting, err := prog.Counting()
	if err != nil {
		return nil, err
	}
	now, err := r.read(e)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(e.Stdout, now.openMetrics(counting))
	return nil, err
}

// openMetrics writes a reading, after github.com/prometheus/OpenMetrics, specification 1.0.
func (r *reading) openMetrics(counting bool) string {
	var b strings.Builder
	on := 0
	if counting {
		on = 1
	}
	family(&b, "counting", "gauge", "", "Whether the kernel counts the runs of programs now.")
	fmt.Fprintf(&b, "xdpload_bpf_counting %d\n", on)
	r.programMetrics(&b, "program_runs", "", "Runs of a program that the kernel has counted.",
		func(s prog.Stats) string { return strconv.FormatUint(s.Runs, 10) })
	r.programMetrics(&b, "program_run_time_seconds", "seconds", "The time that these runs took.",
		func(s prog.Stats) string { return fmt.Sprintf("%d.%09d", s.Time/1e9, s.Time%1e9) })
	r.programMetrics(&b, "program_recursion_misses", "", "Runs that were left out because the program was running already.",
		func(s prog.Stats) string { return strconv.FormatUint(s.Misses, 10) })
	family(&b, "hook_info", "gauge", "", "A program on a hook of a device, which is 1.")
	seen := make(map[running]bool)
	for _, on := range r.running {
		if !seen[on] { // two filters may run one program
			seen[on] = true
			fmt.Fprintf(&b, "xdpload_bpf_hook_info{%s,hook=%s,id=\"%d\"} 1\n", on.labels(), label(on.hook), on.program)
		}
	}
	r.deviceMetrics(&b, "receive")
	r.deviceMetrics(&b, "transmit")
	b.WriteString("# EOF\n")
	return b.String()
}

// family begins a family of metrics. Its unit is the end of its name.
func family(b *strings.Builder, name, kind, unit, help string) {
	fmt.Fprintf(b, "# HELP xdpload_bpf_%s %s\n# TYPE xdpload_bpf_%s %s\n", name, help, name, kind)
	if unit != "" {
		fmt.Fprintf(b, "# UNIT xdpload_bpf_%s %s\n", name, unit)
	}
}

func (r *reading) programMetrics(b *strings.Builder, name, unit, help string, value func(prog.Stats) string) {
	family(b, name, "counter", unit, help)
	for _, id := range slices.Sorted(maps.Keys(r.programs)) {
		p := r.programs[id]
		fmt.Fprintf(b, "xdpload_bpf_%s_total{id=\"%d\",name=%s,tag=%s,type=%s} %s\n",
			name, id, label(p.Name), label(p.Tag), label(kernelname.Program(p.Type)), value(p.Stats))
	}
}

func (r *reading) deviceMetrics(b *strings.Builder, direction string) {
	family(b, "device_"+direction+"_packets", "counter", "", "Packets of a device that runs programs.")
	seen := make(map[place]bool)
	for _, on := range r.running {
		if !seen[on.place] {
			seen[on.place] = true
			packets := r.devices[on.place].RxPackets
			if direction == "transmit" {
				packets = r.devices[on.place].TxPackets
			}
			fmt.Fprintf(b, "xdpload_bpf_device_%s_packets_total{%s} %d\n", direction, on.labels(), packets)
		}
	}
}

func (p place) labels() string {
	device := "device=" + label(p.Name)
	if p.Netns == "" {
		return device
	}
	return "netns=" + label(p.Netns) + "," + device
}

// label quotes a value, whose characters are printed as everywhere.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(render.Line(s)) + `"`
}
