package commands

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// byteCount writes a size as people do, in powers of ten.
func byteCount(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, units[unit])
}

// rate returns units per second.
func rate(n int64, over time.Duration) int64 {
	if over <= 0 {
		return 0
	}
	return int64(float64(n) / over.Seconds())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printTable writes rows in columns as wide as they need: numbers to the right,
// texts to the left, as alignRight says.
func printTable(w io.Writer, alignRight []bool, rows [][]string) {
	width := make([]int, len(alignRight))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
			if alignRight[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(cell)
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
