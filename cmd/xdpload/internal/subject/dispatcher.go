package subject

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/prog"
)

// Dispatcher says of a program on a device that it is a dispatcher of libxdp, and what that
// runs; "" of any other.
func Dispatcher(e *env.Env, ifindex int, p *prog.Info) string {
	members := members(e, ifindex, p)
	if members == "" {
		return ""
	}
	return "a dispatcher of libxdp, which runs " + members
}

func members(e *env.Env, ifindex int, p *prog.Info) string {
	var names []string
	hidden := 0
	for _, m := range p.Members(Bpffs(e), ifindex) {
		if m.ID == 0 {
			hidden++
			continue
		}
		names = append(names, fmt.Sprintf("program id %d name %s", m.ID, m.Name))
	}
	if hidden > 0 {
		names = append(names, Count(hidden, "program")+" without a pin")
	}
	return strings.Join(names, " and ")
}

// WarnOfMembers tells who lost their place with a program that was taken off a device.
func WarnOfMembers(e *env.Env, o *attach.Outcome, gone *prog.Info) {
	lost := members(e, o.Ifindex, gone)
	if lost == "" || e.Tool.Foreign() {
		return
	}
	stay := ""
	dir := gone.MemberPins(Bpffs(e), o.Ifindex)
	if _, err := os.Stat(dir); err == nil {
		stay = "; their pins stay, in " + dir
	}
	e.Warn("%s: program id %d was a dispatcher of libxdp, and the device no longer runs %s%s", o.Device, gone.ID, lost, stay)
}

// tellMembers says which programs one that is in the way runs.
func tellMembers(e *env.Env, ifindex int, err error) error {
	x, ok := errors.AsType[*attach.OccupiedError](err)
	if !ok {
		return err
	}
	for _, a := range x.Attachments {
		if is := Dispatcher(e, ifindex, &a.Program); is != "" {
			return fmt.Errorf("%w; program id %d is %s", err, a.Program.ID, is)
		}
	}
	return err
}
