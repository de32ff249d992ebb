package benches;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Confluent's Parallel Consumer in the order of the keys; 64 threads where records wait. */
public final class Parallel {
    private Parallel() {}

    /** Does a task. */
    public static void main(String[] args) throws Exception {
        Task task = Task.of(args);
        var tally = new Tally(task.records());
        var properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, task.brokers());
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, task.group());
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        var bytes = new ByteArrayDeserializer();
        var options = ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(new KafkaConsumer<>(properties, bytes, bytes))
                .ordering(ProcessingOrder.KEY)
                .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS);
        if (task.work().waits()) {
            options.maxConcurrency(Task.CONCURRENCY);
        }
        if (task.tuned()) {
            options.commitInterval(Duration.ofMillis(Task.COMMIT_MS));
        }
        var consumer = ParallelStreamProcessor.createEosStreamProcessor(options.build());
        consumer.subscribe(List.of(task.topic()));
        consumer.poll(context -> task.run(context.getSingleConsumerRecord().value(), tally));
        tally.await();
        consumer.closeDrainFirst();
        System.out.println(tally.outcome());
        System.exit(0);
    }
}
