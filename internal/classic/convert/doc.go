// Package convert makes XDP and tc programs of filters of classic BPF.
//
// A program of classic BPF that a socket runs is translated by the kernel into
// the instructions of today; what this package makes does the same on the hooks
// that take no classic BPF. The result is an object file, by way of a listing
// (package listing) in which each instruction of the filter stands above those that
// it became.
//
// A filter accepts a packet by returning anything but 0. As in the kernel, it
// returns 0 when it reads beyond the end of the packet, and when it divides by an X
// that is 0; shifts by X take its lowest five bits; offsets are added in 32 bits.
//
// What cannot be: an instruction that needs what the hook does not have, such as the mark
// of a packet before there is an sk_buff, is refused by name. Packets are read up to
// 65535 bytes, which is as far as the verifier lets a program go. A negative offset
// that only comes about by adding X is outside of the packet, even where a socket
// filter would find the link layer's header there.
package convert
