package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"github.com/xdpload/xdpload/internal/testobj"
)

//go:generate objects/build.sh

//go:embed hello/main.go spawn/main.go floor/floor.c objects/*.o objects/*.o.gz
var sources embed.FS

// objects writes the objects that the cases load to dir.
func objects(dir string) error {
	for _, name := range []string{"tiny.o", "tiny_nobtf.o", "tc.o", "core.o", "hugelog.o"} {
		if err := os.WriteFile(filepath.Join(dir, name), testobj.Bytes(name), 0o600); err != nil {
			return err
		}
	}
	for _, name := range []string{"maps64.o", "heavy8.o", "heavy16.o"} {
		if err := extract(dir, path.Join("objects", name), name); err != nil {
			return err
		}
	}
	packed, err := sources.ReadFile("objects/big.o.gz")
	if err != nil {
		return err
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	big, err := io.ReadAll(plain)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "big.o"), big, 0o600)
}

// extract writes an embedded file to dir.
func extract(dir, source, name string) error {
	b, err := sources.ReadFile(source)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), b, 0o600)
}

// linked is the program that was built last.
const linked = "linked"

// buildGo makes a static program of one of the embedded packages.
func buildGo(ctx context.Context, dir, name string) error {
	if err := extract(dir, name+"/main.go", name+".go"); err != nil {
		return err
	}
	return build(ctx, dir, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", linked, name+".go")
}

// buildImports makes a static program of the package of that name, which has
// to be built where the module is: in the working directory.
func buildImports(ctx context.Context, dir, name string) error {
	return build(ctx, "", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, linked), "./"+name)
}

var errNoCompiler = errors.New("no C compiler")

// buildC makes a static program of the embedded C source.
func buildC(ctx context.Context, dir, name string) error {
	if _, err := exec.LookPath("cc"); err != nil {
		return errNoCompiler
	}
	if err := extract(dir, name+"/"+name+".c", name+".c"); err != nil {
		return err
	}
	return build(ctx, dir, "cc", "-O2", "-static", "-s", "-o", linked, name+".c")
}

func build(ctx context.Context, dir string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", argv, err, bytes.TrimSpace(said))
	}
	return nil
}
