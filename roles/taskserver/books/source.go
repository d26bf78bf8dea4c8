package books

import "finest/internal/contract"

// Source shows one state of the tables of a task server. Pages have up to limit
// rows.
type Source interface {
	// Head returns the newest entry, Entries those after sequence number since.
	Head() (Entry, error)
	Entries(since int64, limit int) ([]Entry, error)

	Crawls() ([]CrawlRow, error)
	// Tasks returns tasks of a crawl in id order, from the first after the id
	// after.
	Tasks(crawl, after string, limit int) ([]TaskRow, error)
	// Counts counts all tasks.
	Counts() ([]CountRow, error)
	// Leases returns those of a task, oldest first.
	Leases(task string) ([]LeaseRow, error)
	// Slot names the live lease of a slot; "" and 0 if there is none.
	Slot(hotkey string, slot int) (task string, generation int64, err error)
	// Live counts the live leases of a hotkey, and of a coldkey.
	Live(hotkey, coldkey string) (hot, cold int, err error)
	// Holder returns the record of a hotkey or coldkey.
	Holder(kind, address string) (HolderRow, error)
	// Banned returns the records with a ban, Holders those of a kind, by address
	// from the first after the address after.
	Banned() ([]HolderRow, error)
	Holders(kind, after string, limit int) ([]HolderRow, error)

	// Submissions, Verdicts and Proofs return rows after sequence number since,
	// in order.
	Submissions(since int64, limit int) ([]contract.SubmissionView, error)
	Verdicts(since int64, limit int) ([]VerdictRow, error)
	Proofs(since int64, limit int) ([]contract.ProofView, error)
	// Statement returns the statement of an id; false if there is none.
	Statement(id string) (contract.Statement, bool, error)
	// Statements returns statements by id, from the first after the id after.
	Statements(after string, limit int) ([]contract.Statement, error)
	// Signed says why a statement is not what its validator signed; nil without
	// an answer.
	Signed(contract.Statement) error
	// Outcome is the state that the verdicts on a lease give to its task.
	Outcome(task string, generation int64) (string, error)
}

// Rows of tables, as far as entries tell what is in them.
type (
	// CrawlRow is a crawl.
	CrawlRow struct {
		Name, CatalogueSHA256      string
		FilesPerTask, Files, Tasks int
		Retired                    bool
	}
	// CountRow is a number of tasks of a crawl in a state that may be leased or
	// not.
	CountRow struct {
		Crawl, State string
		Ready        bool
		Tasks        int64
	}
	// TaskRow is a task.
	TaskRow struct {
		ID, State string
		Ready     bool
		// Misplaced says that it does not lie where its id puts it in draws.
		Misplaced     bool
		Generation    int64
		Deadline, Due uint64
		Attempts      int
		Evidence      string
		Files         []contract.InputFile
	}
	// LeaseRow is a lease.
	LeaseRow struct {
		Receipt         contract.Receipt
		Coldkey, State  string
		Slot            int
		Renewed, Ended  uint64
		Reason, Missing string
		Excused         string
		// What it counts among the strikes of its holders.
		HotkeyStrikes, ColdkeyStrikes int
	}
	// HolderRow is a record.
	HolderRow struct {
		Kind, Address string
		Strikes       int
		Struck        uint64
		// Results that wait for verdicts, and accepted ones.
		Unjudged, Accepted int
		Ban                string
	}
	// VerdictRow is a verdict with the stake behind it.
	VerdictRow struct {
		contract.VerdictView
		Stake uint64
		// Stored is the key under which the verdict would be known again, Key that
		// of its content.
		Stored, Key string
	}
)
