package benches;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Set;
import sun.misc.Signal;

/** The task of a side, without the fields that only the Rust sides need. */
public record Task(Work work, boolean tuned, String brokers, String topic, String group, long records, int partitions,
        Set<Long> marks, String until) {
    /** The work on each record. */
    public record Work(String kind, long micros) {
        boolean waits() {
            return kind.equals("sleep");
        }

        boolean isTimed() {
            return kind.equals("timed");
        }
    }

    /** How many records are worked on at once, where a workload lets a side do that. */
    static final int CONCURRENCY = 64;
    /** Milliseconds between two commits. */
    static final int COMMIT_MS = 1_000;

    /** A way to read the topic; it returns when all is committed. */
    interface Side {
        void read(Task task, Tally tally) throws Exception;
    }

    /** Does the task and tells the outcome, or why it failed, in the last line that it prints. */
    static void main(String[] args, Side side) {
        try {
            var mapper = new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
            Task task = mapper.readValue(args[0], Task.class);
            var tally = new Tally(task.records(), task.marks(), task.endsBySignal());
            if (task.endsBySignal()) {
                Signal.handle(new Signal("TERM"), signal -> tally.end());
            }
            side.read(task, tally);
            System.out.println(tally.outcome());
        } catch (Exception error) {
            fail(error);
        }
        // The library may have left threads.
        System.exit(0);
    }

    private boolean endsBySignal() {
        return until.equals("signal");
    }

    /** Tells why, and ends the process. */
    static void fail(Throwable error) {
        error.printStackTrace();
        System.out.println(error);
        Runtime.getRuntime().halt(1);
    }

    /** Works on one record. */
    void run(byte[] value, Tally tally) {
        if (work.isTimed()) {
            Flight.Timed timed = Flight.Timed.decode(value);
            tally.timed(timed.sent_us(), timed.flight().minutes());
            return;
        }
        if (!work.waits()) {
            tally.count(Flight.decode(value).minutes());
            return;
        }
        tally.begin();
        long minutes = Flight.decode(value).minutes();
        long began = System.nanoTime();
        try {
            Thread.sleep(work.micros() / 1_000, (int) (work.micros() % 1_000) * 1_000);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
        tally.waited(System.nanoTime() - began);
        tally.count(minutes);
    }
}
