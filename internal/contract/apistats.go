package contract

// TaskTally counts tasks by state. Every task is in one of them, so their sum
// is the number of tasks.
type TaskTally struct {
	Available   int64 `json:"available"`
	Leased      int64 `json:"leased"`
	Submitted   int64 `json:"submitted"`
	Accepted    int64 `json:"accepted"`
	Rejected    int64 `json:"rejected"`
	Quarantined int64 `json:"quarantined"`
	// Ready counts those available whose files are known, of crawls that are not
	// retired: what can be leased now.
	Ready int64 `json:"ready"`
}

// Add adds n tasks of a state, one of the Task constants; ready says that they
// can be leased.
func (t *TaskTally) Add(state string, ready bool, n int64) {
	switch state {
	case TaskAvailable:
		t.Available += n
		if ready {
			t.Ready += n
		}
	case TaskLeased:
		t.Leased += n
	case TaskSubmitted:
		t.Submitted += n
	case TaskAccepted:
		t.Accepted += n
	case TaskRejected:
		t.Rejected += n
	case TaskQuarantined:
		t.Quarantined += n
	}
}

// CrawlView is a crawl and how far it is.
type CrawlView struct {
	Crawl           string `json:"crawl"`
	CatalogueSHA256 string `json:"catalogue_sha256"`
	FilesPerTask    int    `json:"files_per_task"`
	Files           int    `json:"files"`
	Tasks           int    `json:"tasks"`
	// Retired says that its tasks are leased no more.
	Retired bool      `json:"retired"`
	Tally   TaskTally `json:"tally"`
}

// CrawlList is what GET /v1/crawls returns, by name.
type CrawlList struct {
	Crawls []CrawlView `json:"crawls"`
}

// Stats is what GET /v1/stats returns: all crawls together.
type Stats struct {
	// Block is the newest finalised block the server knows of.
	Block uint64    `json:"block"`
	Tally TaskTally `json:"tally"`
	// Hotkeys have submitted something, Bytes are the work of all submissions.
	Hotkeys     int64     `json:"hotkeys"`
	Submissions int64     `json:"submissions"`
	Bytes       int64     `json:"bytes"`
	Audit       AuditHead `json:"audit"`
}

// AuditHead is the end of the audit log: what is before it cannot be changed
// without changing its hash.
type AuditHead struct {
	// Seq is the number of entries, Hash that of the newest; 0 and "" without
	// any.
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
	// Block is that of the newest entry.
	Block uint64 `json:"block"`
	// Anchor is the newest head that the operator wrote on chain; absent if none
	// was.
	Anchor *Anchored `json:"anchor,omitempty"`
}

// Anchored is a head of the audit log on chain.
type Anchored struct {
	Anchor
	// Hotkey wrote it as its commitment, in Block.
	Hotkey string `json:"hotkey"`
	Block  uint64 `json:"block"`
}

// VerdictList is a page of published verdicts in the order they arrived.
type VerdictList struct {
	Verdicts []VerdictView `json:"verdicts"`
	// Next is what to pass as since for what comes after this page.
	Next int64 `json:"next"`
}

// Health is what GET /healthz and GET /readyz return when all is well.
type Health struct {
	Status string `json:"status"`
}
