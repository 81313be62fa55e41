package offload

// A Driver is what is known of a network driver beyond what a kernel tells of
// its devices. Kernels are named as "4.10"; empty means that it cannot.
type Driver struct {
	Name    string // as ethtool(8) -i prints it
	Native  string // the first kernel in which it runs XDP programs
	Offload string // the first kernel in which the device itself runs XDP programs
	// MTU is the largest, in bytes, with a native program that takes packets
	// of one buffer only; 0 where it is not known.
	MTU uint32
	// OfPeer says that the MTU is that of the device at the other end.
	OfPeer bool
	// Fragments says that the MTU also binds a program that takes packets of several.
	Fragments bool
	// LRO is what large receive offload is to the driver beside XDP.
	LRO    LRO
	Source string // of all that: kernel commit, kernel file, or document
}

// LRO is what a driver makes of a program on a device that joins packets.
type LRO uint8

// What drivers do.
const (
	LROUnknown LRO = iota
	LRORefused
	LROIgnored // or turned off by the driver
)

// ciliumDocs lists drivers by kernel, under "Drivers supporting native XDP".
const ciliumDocs = "cilium/cilium, Documentation/reference-guides/bpf/progtypes.rst"

// Drivers lists the drivers by name. Those that are missing may well run XDP
// programs: a device's own features decide, see [Probe].
func Drivers() []Driver {
	return []Driver{
		{Name: "atlantic", Native: "5.19", Source: ciliumDocs},
		{Name: "bnxt_en", Native: "4.11", LRO: LROIgnored, Source: "commit c6d30e8391b8; bnxt_xdp.c"},
		{Name: "bonding", Native: "5.15", LRO: LROIgnored, Source: ciliumDocs + "; drivers/net/bonding/bond_main.c"},
		{Name: "cpsw", Native: "5.3", Source: "commit 9ed4050c0d75"},
		{Name: "ena", Native: "5.6", Source: ciliumDocs},
		{Name: "fsl_dpaa2_eth", Native: "5.0", Source: "commit 7e273a8ebdd3"},
		{Name: "gve", Native: "6.4", LRO: LRORefused, Source: ciliumDocs + "; gve_main.c"},
		{Name: "hv_netvsc", Native: "5.6", LRO: LRORefused, Source: ciliumDocs + "; netvsc_bpf.c"},
		{Name: "i40e", Native: "4.13", Source: "commit 0c8493d90b6b"},
		{Name: "ice", Native: "5.5", Source: ciliumDocs},
		{Name: "idpf", Native: "6.18", Source: "drivers/net/ethernet/intel/idpf/xdp.c"},
		{Name: "igb", Native: "5.10", Source: ciliumDocs},
		{Name: "igc", Native: "5.13", Source: ciliumDocs},
		{Name: "ionic", Native: "6.9", Source: "drivers/net/ethernet/pensando/ionic/ionic_lif.c"},
		{Name: "ixgbe", Native: "4.12", Source: "commit 924708081629"},
		{Name: "ixgbevf", Native: "4.17", Source: "commit c7aec59657b6"},
		{Name: "mana", Native: "5.17", Source: ciliumDocs},
		{Name: "mlx4_en", Native: "4.8", Source: "commit 47a38e155037"},
		{Name: "mlx5_core", Native: "4.9", LRO: LRORefused, Source: "commit 86994156c736; en_main.c"},
		{Name: "mvneta", Native: "5.5", Source: ciliumDocs},
		{Name: "mvpp2", Native: "5.9", Source: ciliumDocs},
		{Name: "netdevsim", Native: "4.16", Offload: "4.16", MTU: 4000, Source: ciliumDocs + "; drivers/net/netdevsim/bpf.c"},
		{Name: "netsec", Native: "5.3", Source: "commit ba2b232108d3"},
		{Name: "nfp", Native: "4.10", Offload: "4.13", Source: "commit ecd63a0217d5; offload: commit cafa92ac2553, drivers/net/ethernet/netronome/nfp/bpf"},
		{Name: "qede", Native: "4.10", Source: "commit 496e05170958"},
		{Name: "sfc", Native: "5.5", Source: ciliumDocs},
		{Name: "sfc-siena", Native: "5.19", Source: "drivers/net/ethernet/sfc/siena, before that part of sfc"},
		{Name: "stmmac", Native: "5.13", Source: "drivers/net/ethernet/stmicro/stmmac/stmmac_xdp.c"},
		{Name: "thunder-nicvf", Native: "4.12", Source: "commit 05c773f52b96"},
		{Name: "tun", Native: "4.14", Source: "commit 761876c857cb"},
		{Name: "veth", Native: "4.19", MTU: pageMTU, OfPeer: true, Source: ciliumDocs + "; drivers/net/veth.c"},
		{Name: "virtio_net", Native: "4.10", MTU: pageMTU, LRO: LROIgnored, Source: "commit f600b6905015; drivers/net/virtio_net.c"},
		{Name: "vmxnet3", Native: "6.6", MTU: pageMTU - 12, Fragments: true, LRO: LROIgnored, Source: ciliumDocs + "; vmxnet3_xdp.h"},
		{Name: "xen-netfront", Native: "5.9", Source: "drivers/net/xen-netfront.c"},
	}
}

// pageMTU is what is left of a page of 4096 bytes without the headroom of XDP
// (256), struct skb_shared_info (320) and the Ethernet header (14), on 64-bit
// machines (drivers/net/veth.c, veth_xdp_set; drivers/net/virtio_net.c, virtnet_xdp_set).
// vmxnet3 leaves room for two VLAN tags and the check sum.
const pageMTU = 4096 - 256 - 320 - 14

// DriverNamed returns what is known of a driver, nil for nothing.
func DriverNamed(name string) *Driver {
	for _, d := range Drivers() {
		if d.Name == name {
			return &d
		}
	}
	return nil
}
