package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memory is what the operating system counts of a process, in bytes: what it
// holds now, and the most that it has held.
type memory struct{ now, peak int64 }

// memoryOf reads the memory of a process where Linux shows it (proc_pid_status(5)).
func memoryOf(pid int) (m memory, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	return parseMemory(string(raw))
}

func parseMemory(status string) (m memory, err error) {
	found := 0
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		var into *int64
		switch name {
		case "VmRSS":
			into = &m.now
		case "VmHWM":
			into = &m.peak
		default:
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("memory of a process: %q: %w", line, err)
		}
		*into = kib << 10
		found++
	}
	if found != 2 {
		return memory{}, fmt.Errorf("memory of a process: %d of 2 lines are there", found)
	}
	return m, nil
}

// tick is the unit of processor time in /proc: USER_HZ, 100 on every platform
// that Go runs on.
const tick = time.Second / 100

// processorTime reads that of a process, user and system (proc_pid_stat(5)).
func processorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseProcessorTime(raw)
}

func parseProcessorTime(stat []byte) (total time.Duration, err error) {
	// The second field, a name in parentheses, may hold anything; utime and stime
	// are the 14th and the 15th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("processor time of a process: %d fields", len(fields))
	}
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time of a process: %w", err)
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}
