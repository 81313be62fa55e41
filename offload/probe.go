package offload

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// A Device is what a network device tells of itself that matters to programs.
type Device struct {
	Link *netlink.Link
	// Driver and Firmware are those of ethtool(8) -i, empty where the device
	// does not say.
	Driver, Firmware string
	// Features is nil on a kernel before 6.3.
	Features *netlink.Features
	// Queues is nil where the driver does not tell.
	Queues *Queues
	// LRO is large receive offload, which many drivers refuse beside XDP.
	LRO bool
	// GROFixed says that the hardware joins packets (rx-gro-hw), and cannot be told not to.
	GROFixed bool
	// TCOffload is hw-tc-offload, which filters with skip_sw need.
	TCOffload bool
}

// Queues is how many queues a device has, and could have. Combined queues both
// receive and send.
type Queues struct {
	MaxRx       uint32 `json:"max_rx"`
	MaxTx       uint32 `json:"max_tx"`
	MaxCombined uint32 `json:"max_combined"`
	Rx          uint32 `json:"rx"`
	Tx          uint32 `json:"tx"`
	Combined    uint32 `json:"combined"`
}

// Known returns what is known of the device's driver, nil for nothing.
func (d *Device) Known() *Driver { return DriverNamed(d.Driver) }

// Probe asks a device what it can do. It changes nothing. The socket must be
// of the calling thread's network namespace.
func Probe(c *netlink.Conn, ifindex int) (*Device, error) {
	l, err := c.LinkByIndex(ifindex)
	if err != nil {
		return nil, err
	}
	d := &Device{Link: l}
	if d.Features, err = c.Features(ifindex); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, err
	}
	if d.Driver, d.Firmware, err = sys.DeviceDriver(l.Name); silent(err) != nil {
		return nil, err
	}
	if d.Driver == "" {
		d.Driver = l.Kind
	}
	on, err := sys.DeviceFeatures(l.Name)
	if silent(err) != nil {
		return nil, err
	}
	gro := on["rx-gro-hw"]
	d.LRO, d.TCOffload, d.GROFixed = on["rx-lro"].On, on["hw-tc-offload"].On, gro.On && gro.Fixed
	ch, err := sys.DeviceChannels(l.Name)
	if silent(err) != nil {
		return nil, err
	}
	if ch != nil {
		d.Queues = (*Queues)(ch)
	}
	return d, nil
}

// silent is nil for the answer of a device that has nothing to say.
func silent(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) || err == nil {
		return nil
	}
	return fmt.Errorf("probe: %w", err)
}
