package subject

import (
	"os"

	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/netlink"
)

// NetNSNames finds the names of network namespaces, from the first question on. The zero
// value is ready to use.
type NetNSNames struct{ byID map[int32]string }

// Name is that of the namespace which conn's calls id; "" of one without a name of
// ip-netns(8).
func (n *NetNSNames) Name(conn *netlink.Conn, id int32) string {
	if n.byID == nil {
		n.byID = make(map[int32]string)
		for _, ns := range netns.Named() {
			if id, err := idOf(conn, ns); err == nil { // else it is gone, or not to be opened
				n.byID[id] = ns.Name
			}
		}
		delete(n.byID, -1) // no number at all
	}
	return n.byID[id]
}

func idOf(conn *netlink.Conn, ns netns.Namespace) (int32, error) {
	f, err := os.Open(ns.Path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return conn.NetNSID(int(f.Fd()))
}
