// Package kerneltypes reads those of the running kernel's types that a program
// names. The kernel has 150,000: to decode them, or only to index them, takes
// longer than everything else that a load does.
package kerneltypes
