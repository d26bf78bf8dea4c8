package books

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// counts compares the counts that the tables keep with those of the entries.
func (c *checker) counts() error {
	rows, err := c.Counts()
	if err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	have, ready := make(map[Count]int64), make(map[Count]int64)
	for _, row := range rows {
		k := Count{Crawl: row.Crawl, State: row.State}
		have[k] += row.Tasks
		if row.Ready {
			ready[k] += row.Tasks
		}
	}
	want := make(map[Count]int64)
	for _, row := range c.books.Counts() {
		k := Count{Crawl: row.Crawl, State: row.State}
		want[k] = row.Tasks
		have[k] += 0
	}
	order := func(a, b Count) int {
		return cmp.Or(strings.Compare(a.Crawl, b.Crawl), strings.Compare(a.State, b.State))
	}
	for _, k := range slices.SortedFunc(maps.Keys(have), order) {
		where := "counts of crawl " + k.Crawl
		if have[k] != want[k] {
			c.report.fault(where, "%d tasks are %s, not %d", have[k], k.State, want[k])
			continue
		}
		yes, no := c.ready[CountRow{k.Crawl, k.State, true, 0}], c.ready[CountRow{k.Crawl, k.State, false, 0}]
		if yes+no == want[k] && ready[k] != yes { // else tasks are missing, which was reported
			c.report.fault(where, "%d of the %d tasks that are %s may be leased, not %d", ready[k], have[k], k.State, yes)
		}
	}
	return nil
}
