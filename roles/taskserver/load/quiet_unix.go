//go:build unix

package main

import (
	"errors"
	"net"
	"syscall"
)

// quiet reports whether an idle connection is open and silent: a server may close
// one that is idle, and a request sent on it then would be lost. It reads without
// waiting.
func quiet(c net.Conn) bool {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	var readErr error
	err = raw.Read(func(fd uintptr) bool {
		_, readErr = syscall.Read(int(fd), make([]byte, 1))
		return true
	})
	return err == nil && errors.Is(readErr, syscall.EAGAIN)
}
