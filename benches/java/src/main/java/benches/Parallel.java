package benches;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelEoSStreamProcessor;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Confluent's Parallel Consumer in the order of the keys; 64 threads where records wait. */
public final class Parallel {
    /** How often is asked whether it still runs. */
    private static final Duration ASK = Duration.ofMillis(100);

    private Parallel() {}

    /** Does a task. */
    public static void main(String[] args) {
        Task.main(args, Parallel::read);
    }

    private static void read(Task task, Tally tally) throws Exception {
        var properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, task.brokers());
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, task.group());
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        var bytes = new ByteArrayDeserializer();
        var options = ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(new KafkaConsumer<>(properties, bytes, bytes))
                // The check looks into the client by reflection, for fields that newer clients have moved.
                .ignoreReflectiveAccessExceptionsForAutoCommitDisabledCheck(true)
                .ordering(ProcessingOrder.KEY)
                .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS);
        if (task.work().waits()) {
            options.maxConcurrency(Task.CONCURRENCY);
        }
        if (task.tuned()) {
            options.commitInterval(Duration.ofMillis(Task.COMMIT_MS));
        }
        var consumer = new ParallelEoSStreamProcessor<>(options.build());
        consumer.subscribe(List.of(task.topic()));
        consumer.poll(context -> task.run(context.getSingleConsumerRecord().value(), tally));
        while (!tally.await(ASK)) {
            if (consumer.isClosedOrFailed()) {
                throw consumer.getFailureCause();
            }
        }
        consumer.closeDrainFirst();
    }
}
