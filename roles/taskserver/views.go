package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// Sizes of pages.
const (
	defaultPage = 100
	maxPage     = 500
	// maxPageFiles ends a page of tasks: with the task that has the page name so
	// many files.
	maxPageFiles = 10_000
	// maxProofPage bounds a page of proofs in bytes.
	maxProofPage = 4 << 20
	// maxSeq is the largest sequence number: what all JSON readers read exactly.
	maxSeq = 1<<53 - 1
)

// read shows one state of the store.
func read[T any](s *Server, r *http.Request, f func(engine.View) (T, error)) (value T, err error) {
	err = s.store.View(r.Context(), func(v engine.View) (err error) {
		value, err = f(v)
		return err
	})
	return value, err
}

func (s *Server) getServer(r *http.Request) (contract.ServerInfo, error) {
	block := s.known(r.Context())
	rules := s.o.Rules
	return contract.ServerInfo{
		Server: s.keys.at(block).Address(), Keys: s.keys.list(), Netuid: s.o.Netuid,
		Slots: rules.Slots, ColdkeySlots: rules.ColdkeySlots, DeadlineBlocks: rules.DeadlineBlocks, ConfirmBlocks: rules.ConfirmBlocks,
		MaxAttempts: rules.MaxAttempts, MinClient: s.o.MinClient, Recipes: rules.Recipes,
	}, nil
}

func (s *Server) getRecipes(*http.Request) (contract.RecipeList, error) {
	return contract.RecipeList{Recipes: s.o.Rules.Recipes}, nil
}

func (s *Server) getDocument(*http.Request) (json.RawMessage, error) { return s.document, nil }

func (s *Server) getTasks(r *http.Request) (contract.TaskList, error) {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return contract.TaskList{}, err
	}
	state := query.Get("state")
	if state != "" && !slices.Contains(contract.TaskStates[:], state) {
		return contract.TaskList{}, problem(contract.ProblemMalformed, "state=%.40q is no state of a task", state)
	}
	if err := checkTexts(query, "crawl", "after"); err != nil {
		return contract.TaskList{}, err
	}
	s.known(r.Context())
	return read(s, r, func(v engine.View) (contract.TaskList, error) {
		return taskPage(v, query.Get("crawl"), state, query.Get("after"), limit)
	})
}

// taskPage reads a page of tasks, up to limit of them and maxPageFiles. It asks
// the store for no more tasks than are sure to fit, as their files take memory.
func taskPage(v engine.View, crawl, state, after string, limit int) (contract.TaskList, error) {
	list := contract.TaskList{Tasks: []contract.TaskView{}}
	most, err := filesPerTask(v, crawl)
	if err != nil {
		return list, err
	}
	for files := 0; files < maxPageFiles && len(list.Tasks) < limit; {
		n := min(limit-len(list.Tasks), (maxPageFiles-files+most-1)/most)
		tasks, err := v.Tasks(crawl, state, after, n)
		if err != nil {
			return list, err
		}
		for _, t := range tasks {
			list.Tasks = append(list.Tasks, viewOf(t))
			files += len(t.Files)
			after = t.ID
		}
		if len(tasks) < n {
			return list, nil
		}
	}
	list.Next = after
	return list, nil
}

// filesPerTask returns the most files that a task of a crawl has, of any crawl if
// it is empty; at least 1.
func filesPerTask(v engine.View, crawl string) (int, error) {
	crawls, err := v.Crawls()
	most := 1
	for _, c := range crawls {
		if crawl == "" || c.Name == crawl {
			most = max(most, c.FilesPerTask)
		}
	}
	return most, err
}

func (s *Server) getTask(r *http.Request) (contract.TaskView, error) {
	s.known(r.Context())
	id := r.PathValue("id")
	if !isText(id) {
		return contract.TaskView{}, problem(contract.ProblemUnknownTask, "there is no task %.80q", id)
	}
	return read(s, r, func(v engine.View) (view contract.TaskView, err error) {
		task, err := v.Task(id)
		if errors.Is(err, engine.ErrNotFound) {
			return view, problem(contract.ProblemUnknownTask, "there is no task %.80q", id)
		}
		if err != nil {
			return view, err
		}
		view = viewOf(task)
		if view.Submissions, err = v.Submissions(task.ID, 0, maxPage); err != nil {
			return view, err
		}
		verdicts, err := v.Verdicts(task.ID, "", 0, maxPage)
		view.Verdicts = verdictViews(verdicts)
		return view, err
	})
}

// viewOf is a task without who holds its lease, and without the block that says
// where the draw of its holder began.
func viewOf(t engine.Task) contract.TaskView {
	view := contract.TaskView{Task: t.ID, Crawl: t.Crawl, CatalogueSHA256: t.CatalogueSHA256, Files: t.Files,
		State: t.State, Ready: t.Ready, Generation: t.Generation, DeadlineBlock: t.DeadlineBlock, Attempts: t.Attempts, Evidence: t.Evidence}
	if t.State == contract.TaskLeased {
		view.DeadlineBlock = 0
	}
	return view
}

func (s *Server) getSubmissions(r *http.Request) (contract.SubmissionList, error) {
	query := r.URL.Query()
	since, limit, err := pageOf(query)
	if err != nil {
		return contract.SubmissionList{}, err
	}
	if err := checkTexts(query, "task"); err != nil {
		return contract.SubmissionList{}, err
	}
	return read(s, r, func(v engine.View) (contract.SubmissionList, error) {
		page, err := v.Submissions(query.Get("task"), since, limit)
		list := contract.SubmissionList{Submissions: orEmpty(page), Next: since}
		if len(page) > 0 {
			list.Next = page[len(page)-1].Seq
		}
		return list, err
	})
}

func (s *Server) getVerdicts(r *http.Request) (contract.VerdictList, error) {
	query := r.URL.Query()
	since, limit, err := pageOf(query)
	if err != nil {
		return contract.VerdictList{}, err
	}
	if err := checkTexts(query, "task", "hotkey"); err != nil {
		return contract.VerdictList{}, err
	}
	return read(s, r, func(v engine.View) (contract.VerdictList, error) {
		page, err := v.Verdicts(query.Get("task"), query.Get("hotkey"), since, limit)
		list := contract.VerdictList{Verdicts: orEmpty(verdictViews(page)), Next: since}
		if len(page) > 0 {
			list.Next = page[len(page)-1].Seq
		}
		return list, err
	})
}

func verdictViews(verdicts []engine.Verdict) []contract.VerdictView {
	var views []contract.VerdictView
	for _, v := range verdicts {
		views = append(views, v.VerdictView)
	}
	return views
}

var sumRE = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (s *Server) getStatement(r *http.Request) (contract.Statement, error) {
	sum := r.PathValue("sha256")
	if !sumRE.MatchString(sum) {
		return contract.Statement{}, problem(contract.ProblemNotFound, "%.80q is no SHA-256 in lower-case hex digits", sum)
	}
	return read(s, r, func(v engine.View) (contract.Statement, error) {
		statement, err := v.Statement(sum)
		if errors.Is(err, engine.ErrNotFound) {
			return statement, problem(contract.ProblemNotFound, "there is no statement %s", sum)
		}
		return statement, err
	})
}

func (s *Server) getProofs(r *http.Request) (contract.ProofList, error) {
	since, err := sinceOf(r.URL.Query())
	if err != nil {
		return contract.ProofList{}, err
	}
	return read(s, r, func(v engine.View) (contract.ProofList, error) {
		page, err := v.Proofs(since, defaultPage, maxProofPage)
		list := contract.ProofList{Proofs: orEmpty(page), Next: since}
		if len(page) > 0 {
			list.Next = page[len(page)-1].Seq
		}
		return list, err
	})
}

// known returns the newest block the server knows of, its due work done. What is
// public stays so while the chain cannot be read.
func (s *Server) known(ctx context.Context) uint64 {
	head, err := s.chain.Head(ctx)
	if err == nil {
		err = s.advance(ctx, head.Number)
	}
	if err != nil {
		s.log.Debug().Err(err).Msg("answering at the last known block")
	}
	return s.chain.number()
}

// orEmpty makes the JSON of an empty list [] rather than null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
