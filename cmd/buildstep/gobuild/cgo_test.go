package gobuild

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sum is a package that computes in C.
const sum = `package sum

/*
#include <stdlib.h>
static int sum(int a, int b) { return a + b; }
*/
import "C"

func Of(a, b int) int { return int(C.sum(C.int(a), C.int(b))) }
`

const printsSum = `package main

import (
	"example.com/shop/sum"
	"net"
	"os/user"
)

func main() {
	_, _ = net.LookupHost("localhost")
	_, _ = user.Current()
	println(sum.Of(2, 3))
}
`

// TestBuildWithC: a program that uses C gets a C compiler, and needs no library
// in the image.
func TestBuildWithC(t *testing.T) {
	o := options(t, module(map[string]string{"main.go": printsSum, "sum/sum.go": sum}))
	if got := output(t, o); got != "5\n" {
		t.Errorf("the program printed %q", got)
	}
}

// TestBuildWithoutC: net and os/user of the standard library, and packages that
// have a part for builds without C, need no C compiler. Others are refused with
// their name.
func TestBuildWithoutC(t *testing.T) {
	withoutCompiler(t)
	plain := "//go:build !cgo\n\npackage sum\n\nfunc Of(a, b int) int { return a + b }\n"
	t.Run("standard library", func(t *testing.T) {
		o := options(t, module(map[string]string{"main.go": printsSum, "sum/sum.go": strings.TrimPrefix(plain, "//go:build !cgo\n\n")}))
		if got := output(t, o); got != "5\n" {
			t.Errorf("the program printed %q", got)
		}
	})
	t.Run("optional", func(t *testing.T) {
		o := options(t, module(map[string]string{"main.go": printsSum, "sum/sum.go": sum, "sum/plain.go": plain}))
		if got := output(t, o); got != "5\n" {
			t.Errorf("the program printed %q", got)
		}
	})
	t.Run("needed", func(t *testing.T) {
		o := options(t, module(map[string]string{"main.go": printsSum, "sum/sum.go": sum}))
		err := Build(t.Context(), o)
		const want = `package example.com/shop/sum uses cgo (import "C"), and this builder has no C compiler; build it with a Dockerfile`
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one with %q", err, want)
		}
	})
}

// TestBuildFallsBackFromC: a C library that the builder lacks stops only those
// programs that cannot do without.
func TestBuildFallsBackFromC(t *testing.T) {
	broken := strings.Replace(sum, "stdlib.h", "no-such-library.h", 1)
	plain := "//go:build !cgo\n\npackage sum\n\nfunc Of(a, b int) int { return a + b }\n"
	o := options(t, module(map[string]string{"main.go": printsSum, "sum/sum.go": broken, "sum/plain.go": plain}))
	if got := output(t, o); got != "5\n" {
		t.Errorf("the program printed %q", got)
	}
	o = options(t, module(map[string]string{"main.go": printsSum, "sum/sum.go": broken}))
	var log bytes.Buffer
	o.Output = &log
	if err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no-such-library.h") {
		t.Errorf("error = %v; log:\n%s", err, log.String())
	}
}

// withoutCompiler leaves the Go command alone on the path.
func withoutCompiler(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(program))
	if _, err := exec.LookPath("gcc"); err == nil {
		bin := t.TempDir()
		if err := os.Symlink(program, filepath.Join(bin, "go")); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin)
	}
}

func TestModuleOf(t *testing.T) {
	for dir, want := range map[string]string{
		"/cache/go/mod/x.org/lib@v1.2.3":         "/cache/go/mod/x.org/lib@v1.2.3",
		"/cache/go/mod/x.org/lib@v1.2.3/sub/pkg": "/cache/go/mod/x.org/lib@v1.2.3",
		"/build/source/cmd":                      "",
		"/cache/go/model@v1":                     "",
		"":                                       "",
	} {
		if got := moduleOf("/cache/go/mod", dir); got != want {
			t.Errorf("%s belongs to %q, want %q", dir, got, want)
		}
	}
}
