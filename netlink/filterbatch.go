package netlink

import (
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// echoBatchBytes bounds what a batch echoes: 48 KiB beside what the kernel
// counts for each message.
const echoBatchBytes = 48 << 10

// AddFilters does [Conn.AddFilter] for many, with as many requests in flight as
// one socket holds. The results have the filter or the error of each in its
// place. The kernel adds them one after the other, and goes on after one that it
// refuses.
func (c *Conn) AddFilters(filters []*Filter) (got []*Filter, errs []error) {
	const op = "add filter"
	got, errs = make([]*Filter, len(filters)), make([]error, len(filters))
	var requests []request
	var places []int // of the requests, in filters
	bytes := 0
	send := func() {
		for i, err := range c.changeAll(requests, func(i int, m netlink.Message) error {
			if m.Header.Type != unix.RTM_NEWTFILTER {
				return nil
			}
			got[places[i]] = new(Filter)
			return got[places[i]].decode(m.Data)
		}) {
			errs[places[i]] = err
		}
		requests, places, bytes = requests[:0], places[:0], 0
	}
	for i, f := range filters {
		r, err := filterRequest(op, unix.RTM_NEWTFILTER, netlink.Create|netlink.Excl|netlink.Echo, f, true)
		if err != nil {
			errs[i] = newError(op, f.Ifindex, err)
			continue
		}
		if len(requests) == echoBatchSize || len(requests) > 0 && bytes+len(r.body) > echoBatchBytes {
			send()
		}
		requests, places, bytes = append(requests, r), append(places, i), bytes+len(r.body)
	}
	send()
	for i, f := range filters {
		switch {
		case errs[i] != nil:
			got[i] = nil
			if f.BPF != nil {
				errs[i] = explainBytecode(errs[i], f.BPF.Bytecode)
			}
		case got[i] == nil: // the kernel could not fit it in its notification
			same := *f
			got[i] = &same
		}
	}
	return got, errs
}
