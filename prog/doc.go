// Package prog is about programs that are in the kernel: what they are, what they
// do with a packet, and the arrays through which they call each other.
package prog
