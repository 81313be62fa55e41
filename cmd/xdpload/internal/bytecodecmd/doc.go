// Package bytecodecmd has the commands about classic BPF.
package bytecodecmd
